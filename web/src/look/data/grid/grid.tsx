import { type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import type { Order } from "../measurements";
import style from "./grid.module.css";
import { type GridColumn, GridHead, widthOf } from "./grid-head";
import { useSize } from "./use-size";
import { type RowWindow, rowsSeen, scrollHeight, scrollTo } from "./window";

const ROW = 30;
const HEAD = 44;

type Props = {
  label: string;
  columns: readonly GridColumn[];
  rows: number;
  /** What a cell shows; undefined while it is not known. */
  cell: (row: number, key: string) => string | undefined;
  isSelected: (row: number) => boolean;
  order: Order;
  sort: (order: Order) => void;
  /** A row was clicked, or entered by key; `add` where others should stay selected. */
  pick: (row: number, add: boolean) => void;
  /** Told which rows are seen. */
  seen?: (rows: RowWindow) => void;
  /** The row to bring into view; each new object does. */
  goTo: { readonly row: number } | null;
};

/** A table of any length, of which only the rows that are seen are drawn. */
export function Grid(props: Props) {
  const { rows, goTo, seen } = props;
  const id = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const { height } = useSize(scroller);
  const [scrollTop, setScrollTop] = useState(0);
  const [active, setActive] = useState(0);
  const view = Math.max(height - HEAD, ROW);
  const shown = rowsSeen(scrollTop, view, rows, ROW);
  const { first, end } = shown;

  useEffect(() => seen?.({ first, end, top: 0 }), [seen, first, end]);

  const reveal = (row: number) => {
    const element = scroller.current;
    if (element) element.scrollTop = scrollTo(row, element.scrollTop, view, rows, ROW);
  };
  const latest = useRef(reveal);
  latest.current = reveal;
  useEffect(() => {
    if (!goTo) return;
    setActive(goTo.row);
    latest.current(goTo.row);
  }, [goTo]);

  const move = (row: number) => {
    const next = Math.min(Math.max(row, 0), rows - 1);
    setActive(next);
    reveal(next);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || rows === 0) return;
    const page = Math.max(Math.floor(view / ROW) - 1, 1);
    const steps: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: rows - 1,
    };
    const next = steps[event.key];
    if (next !== undefined) move(next);
    else if (event.key === "Enter" || event.key === " ")
      props.pick(active, event.ctrlKey || event.metaKey);
    else return;
    event.preventDefault();
  };

  const current = Math.min(active, rows - 1);
  const width = widthOf(props.columns);
  return (
    <div
      ref={scroller}
      className={style.scroller}
      onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
    >
      <table
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: grids are made of tables
        role="grid"
        className={style.grid}
        style={{ minWidth: width }}
        aria-label={props.label}
        aria-rowcount={rows + 1}
        aria-multiselectable="true"
        aria-activedescendant={current >= first && current < end ? `${id}-${current}` : undefined}
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <GridHead columns={props.columns} order={props.order} sort={props.sort} />
        <tbody className={style.rows} style={{ height: scrollHeight(rows, ROW) }}>
          {Array.from({ length: end - first }, (_, i) => first + i).map((row) => (
            <tr
              key={row}
              id={`${id}-${row}`}
              aria-rowindex={row + 2}
              aria-selected={props.isSelected(row)}
              data-active={row === current || undefined}
              className={style.row}
              style={{ transform: `translateY(${shown.top + (row - first) * ROW}px)` }}
              onClick={(event) => {
                setActive(row);
                props.pick(row, event.ctrlKey || event.metaKey || event.shiftKey);
              }}
            >
              {props.columns.map((column) => (
                <td
                  key={column.key}
                  className={`${style.cell} ${column.text ? "" : style.number}`}
                  style={{ flexBasis: widthOf([column]), width: widthOf([column]) }}
                >
                  {props.cell(row, column.key) ?? <span className={style.waiting} />}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
