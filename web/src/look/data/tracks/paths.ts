import type { TrackPath } from "../../selection";

/** Rows of the measurements that say where cells are, of equal length; NaN is not known. */
export type Spots = {
  readonly label: readonly number[];
  readonly t: readonly number[];
  readonly y: readonly number[];
  readonly x: readonly number[];
};

/** The way of each cell, in order of label, its points in order of time. */
export function pathsOf(spots: Spots): TrackPath[] {
  const found = new Map<number, { t: number; y: number; x: number }[]>();
  for (const [row, label] of spots.label.entries()) {
    const t = spots.t[row];
    const y = spots.y[row];
    const x = spots.x[row];
    if (t === undefined || y === undefined || x === undefined || Number.isNaN(x + y)) continue;
    const points = found.get(label);
    if (points) points.push({ t, y, x });
    else found.set(label, [{ t, y, x }]);
  }
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([label, points]) => ({ label, points: points.sort((a, b) => a.t - b.t) }));
}
