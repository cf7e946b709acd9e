import type { KeyboardEvent, PointerEvent } from "react";
import { clamped } from "../draw/geometry";
import classes from "./frame.module.css";

/** Widths that the data beside the image may have, in pixels, and what an arrow key adds. */
const LEAST = 300;
const MOST = 900;
const STEP = 24;

/** The border between image and data: moved by pointer and arrow keys. */
export function Split(props: { width: number; set: (width: number) => void }) {
  const { width, set } = props;
  const move = (event: PointerEvent<HTMLDivElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const right = event.currentTarget.parentElement?.getBoundingClientRect().right ?? 0;
    set(clamped(right - event.clientX, LEAST, MOST));
  };
  const press = (event: KeyboardEvent) => {
    const way = { ArrowLeft: STEP, ArrowRight: -STEP }[event.key];
    if (way === undefined) return;
    event.preventDefault();
    set(clamped(width + way, LEAST, MOST));
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved
    <div
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the data"
      aria-valuenow={Math.round(width)}
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      tabIndex={0}
      className={classes.split}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={move}
      onKeyDown={press}
    />
  );
}
