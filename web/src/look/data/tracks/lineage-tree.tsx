import { type KeyboardEvent, type MouseEvent, useEffect, useId, useRef, useState } from "react";
import { useLookPart, useLookStore } from "../../selection";
import { useSize } from "../grid/use-size";
import { rowsSeen, scrollHeight, scrollTo } from "../grid/window";
import { daughtersOf, type Lane, parentOf, partOf, type Tree } from "./lineage";
import { LineageAxis } from "./lineage-axis";
import { LineageLanes } from "./lineage-lanes";
import { frameAt, GUTTER, LANE, placeOf } from "./lineage-places";
import style from "./lineage-tree.module.css";

/** The lineage tree: time to the right, a lane for each track, of which those seen are drawn. */
export function LineageTree(props: {
  tree: Tree;
  /** Frames of the movie, of which the last may have no cell. */
  frames: number;
  /** A track was chosen, at a frame or at whichever suits. */
  select: (lane: Lane, frame?: number) => void;
}) {
  const { tree, select } = props;
  const rows = tree.lanes.length;
  const id = useId();
  const store = useLookStore();
  const t = useLookPart((look) => look.t);
  const selected = useLookPart((look) => look.selected);
  const scroller = useRef<HTMLDivElement>(null);
  const drawing = useRef<SVGSVGElement>(null);
  const { width, height } = useSize(scroller);
  const [scrollTop, setScrollTop] = useState(0);
  const scale = { frames: Math.max(props.frames, tree.frames), width: Math.max(width, 120) };
  const view = Math.max(height - LANE, LANE);
  const seen = rowsSeen(scrollTop, view, rows, LANE);
  const part = partOf(tree, seen.first, seen.end);

  const [label] = selected;
  const current = label === undefined ? undefined : tree.byLabel.get(label);
  const reveal = (lane: Lane) => {
    const element = scroller.current;
    if (element) element.scrollTop = scrollTo(lane.row, element.scrollTop, view, rows, LANE);
  };
  const latest = useRef(reveal);
  latest.current = reveal;
  useEffect(() => {
    if (current) latest.current(current);
  }, [current]);

  const onKeyDown = (event: KeyboardEvent) => {
    const from = current ?? tree.lanes[0];
    if (!from) return;
    const steps: Record<string, Lane | undefined> = {
      ArrowDown: current ? tree.lanes[from.row + 1] : from,
      ArrowUp: tree.lanes[from.row - 1],
      ArrowLeft: parentOf(tree, from),
      ArrowRight: daughtersOf(tree, from)[0],
      Home: tree.lanes[0],
      End: tree.lanes.at(-1),
    };
    if (!(event.key in steps) && event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    const next = steps[event.key] ?? (event.key.startsWith("Arrow") ? undefined : from);
    if (next) select(next);
  };

  const onClick = (event: MouseEvent) => {
    const box = drawing.current?.getBoundingClientRect();
    if (!box || event.clientY < box.top) return;
    const lane = tree.lanes[seen.first + Math.floor((event.clientY - box.top) / LANE)];
    const x = event.clientX - box.left;
    if (lane) select(lane, x < GUTTER ? undefined : frameAt(x, scale));
    else store.select([]);
  };

  return (
    <div
      ref={scroller}
      className={style.tree}
      role="tree"
      aria-label="Lineage tree"
      aria-activedescendant={current && inPart(current, seen) ? `${id}-${current.row}` : undefined}
      tabIndex={0}
      onClick={onClick}
      onKeyDown={onKeyDown}
      onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
    >
      <LineageAxis scale={scale} t={t} />
      <div className={style.lanes} style={{ height: scrollHeight(rows, LANE) }}>
        <svg
          ref={drawing}
          className={style.part}
          style={{ transform: `translateY(${seen.top}px)` }}
          width={scale.width}
          height={Math.max(seen.end - seen.first, 1) * LANE}
          role="presentation"
        >
          <line
            className={style.now}
            x1={placeOf(t, scale)}
            x2={placeOf(t, scale)}
            y1={0}
            y2="100%"
          />
          <LineageLanes
            id={id}
            part={part}
            first={seen.first}
            scale={scale}
            selected={selected}
            family={current?.family}
          />
        </svg>
      </div>
    </div>
  );
}

function inPart(lane: Lane, seen: { first: number; end: number }): boolean {
  return lane.row >= seen.first && lane.row < seen.end;
}
