import { hexOf, oklch, packed, type Rgb } from "./colours";

const STEPS = 256;

/**
 * Dark blue over green to light yellow: lightness rises evenly, so that it is read rightly without
 * the colours too.
 */
const MAP: readonly Rgb[] = Array.from({ length: STEPS }, (_, step) => {
  const share = step / (STEPS - 1);
  return oklch(0.38 + 0.57 * share, 0.13 + 0.03 * Math.sin(Math.PI * share), 285 - 180 * share);
});

const PACKED = Uint32Array.from(MAP, (colour) => packed(colour));

function stepOf(value: number, min: number, max: number): number {
  const share = max > min ? (value - min) / (max - min) : 0.5;
  return Math.round(Math.min(Math.max(share, 0), 1) * (STEPS - 1));
}

/** The colour of a value between those of `min` and `max`; what lies outside has theirs. */
export function mapped(value: number, min: number, max: number): Rgb {
  return MAP[stepOf(value, min, max)] as Rgb;
}

/** `mapped`, as a pixel in memory. */
export function packedMapped(value: number, min: number, max: number): number {
  return PACKED[stepOf(value, min, max)] as number;
}

/** The map as a CSS gradient, from left to right. */
export function gradient(): string {
  const stops = Array.from({ length: 9 }, (_, index) => hexOf(mapped(index, 0, 8)));
  return `linear-gradient(to right, ${stops.join(", ")})`;
}
