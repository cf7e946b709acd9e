/** Steps that are read at a glance. */
const STEPS = [1, 2, 5, 10];

const UNITS = [
  { name: "mm", size: 1000 },
  { name: "µm", size: 1 },
  { name: "nm", size: 0.001 },
];

/** A scale bar: its length in pixels of the screen, and what is written at it. */
export type ScaleBar = { readonly pixels: number; readonly text: string };

/**
 * The longest bar of 1, 2 or 5 times a power of ten that is no longer than `most` screen pixels.
 * `perPixel`: micrometres that one screen pixel shows.
 */
export function scaleBar(perPixel: number, most: number): ScaleBar | null {
  const longest = perPixel * most;
  if (!(longest > 0) || !Number.isFinite(longest)) return null;
  const ten = 10 ** Math.floor(Math.log10(longest));
  const step = STEPS.findLast((one) => one * ten <= longest * 1.000001) ?? 1;
  const length = step * ten;
  const unit = UNITS.find((one) => length >= one.size * 0.999) ?? { name: "nm", size: 0.001 };
  return { pixels: length / perPixel, text: `${trimmed(length / unit.size)} ${unit.name}` };
}

function trimmed(value: number): string {
  return String(Number(value.toPrecision(3)));
}
