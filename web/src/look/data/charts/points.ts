import { type Axis, drawable, type Points } from "./chart-options";

/** The dot nearest to the middle of a small box; undefined where none is in it. */
export function nearest(
  points: Pick<Points, "x" | "y">,
  box: { x: readonly number[]; y?: readonly number[] },
  [across, up]: readonly [Axis, Axis],
): number | undefined {
  const x = share(box.x, across);
  const y = share(box.y ?? [], up);
  let found: number | undefined;
  let least = 1;
  for (let row = 0; row < points.x.length; row += 1) {
    const distance = Math.hypot(x(points.x[row] ?? Number.NaN), y(points.y[row] ?? Number.NaN));
    if (distance < least) {
      found = row;
      least = distance;
    }
  }
  return found;
}

/** How far a value is from the middle of two: 1 at each of them. NaN where it has no place. */
function share([low = 0, high = 0]: readonly number[], on: Axis): (value: number) => number {
  const place = on.log ? Math.log : (value: number) => value;
  const middle = (place(low) + place(high)) / 2;
  const half = Math.abs(place(high) - place(low)) / 2;
  return (value) => (drawable(value, on) ? (place(value) - middle) / half : Number.NaN);
}
