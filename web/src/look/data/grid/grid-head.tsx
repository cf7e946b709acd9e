import { UnstyledButton } from "@mantine/core";
import type { Order } from "../measurements";
import style from "./grid.module.css";

export type GridColumn = {
  readonly key: string;
  readonly title: string;
  readonly unit?: string;
  /** What the column is called where the table is stored. */
  readonly hint?: string;
  readonly text?: boolean;
  /** Characters that its values have at most, where that is known. */
  readonly length?: number;
};

/** What the columns are called; a click sorts by one, another the other way round. */
export function GridHead(props: {
  columns: readonly GridColumn[];
  order: Order;
  sort: (order: Order) => void;
}) {
  const { column: by, descending } = props.order;
  return (
    <thead className={style.head}>
      <tr className={style.titles} aria-rowindex={1}>
        {props.columns.map((column) => {
          const sorted = by === column.key;
          return (
            <th
              key={column.key}
              scope="col"
              aria-sort={sorted ? (descending ? "descending" : "ascending") : "none"}
              className={`${style.cell} ${column.text ? "" : style.number}`}
              style={{ flexBasis: widthOf([column]), width: widthOf([column]) }}
            >
              <UnstyledButton
                className={style.sort}
                title={column.hint}
                onClick={() =>
                  props.sort({ column: column.key, descending: sorted && !descending })
                }
              >
                <span className={style.name}>
                  {column.title}
                  <span aria-hidden="true">{sorted ? (descending ? " ↓" : " ↑") : ""}</span>
                </span>
                <span className={style.unit}>{column.unit}</span>
              </UnstyledButton>
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

/** Pixels that columns need for their titles and the numbers below. */
export function widthOf(columns: readonly GridColumn[]): number {
  const widths = columns.map((one) =>
    Math.max(70, Math.min(40 + 8 * one.title.length, 170), 24 + 9 * (one.length ?? 0)),
  );
  return widths.reduce((sum, width) => sum + width, 0);
}
