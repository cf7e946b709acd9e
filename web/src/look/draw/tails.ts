import type { TrackPath } from "../selection";
import { colourOf } from "./palette";

/** Frames that the way of a cell is seen behind it. */
const LENGTH = 10;

/** Opacity of what of a selected way is not just behind its cell, of 255. */
const REST = 90;

/** A line over the image, a colour for each of its points. */
export type Tail = {
  readonly path: [number, number][];
  readonly colours: [number, number, number, number][];
  readonly width: number;
};

/**
 * What is drawn of ways at the frame `t`: of each the latest frames, fading; all of those that are
 * selected, before and after.
 */
export function tails(
  paths: readonly TrackPath[],
  t: number,
  selected: ReadonlySet<number>,
): Tail[] {
  const found: Tail[] = [];
  for (const { label, points } of paths) {
    const whole = selected.has(label);
    const end = points.at(-1)?.t ?? -1;
    if (!whole && (end < t - LENGTH || (points[0]?.t ?? 0) > t)) continue;
    const drawn = whole ? points : points.filter((one) => one.t >= t - LENGTH && one.t <= t);
    if (drawn.length < 2) continue;
    const [red, green, blue] = colourOf(label);
    found.push({
      path: drawn.map((one) => [one.x + 0.5, one.y + 0.5]),
      colours: drawn.map((one) => [red, green, blue, alphaAt(one.t, t, whole)]),
      width: whole ? 3.5 : 2,
    });
  }
  return found;
}

function alphaAt(at: number, t: number, whole: boolean): number {
  const age = t - at;
  const fading = age < 0 || age > LENGTH ? 0 : Math.round(255 * (1 - age / (LENGTH + 1)));
  return whole ? Math.max(fading, REST) : fading;
}
