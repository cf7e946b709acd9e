import { oklch, packed, type Rgb } from "./colours";

/** Degrees between the hues of successive labels: they never fall together, nor near. */
const GOLDEN = 137.50776405;

const SIZE = 256;

/** Light and strong enough to stand out from grey, black and each other. */
const PALETTE: readonly Rgb[] = Array.from({ length: SIZE }, (_, index) =>
  oklch(index % 2 ? 0.84 : 0.74, index % 3 ? 0.16 : 0.12, 40 + index * GOLDEN),
);

const PACKED = Uint32Array.from(PALETTE, (colour) => packed(colour));

/** The colour of a label, the same whenever and wherever it is seen. */
export function colourOf(label: number): Rgb {
  return PALETTE[label % SIZE] as Rgb;
}

/** `colourOf`, as a pixel in memory. */
export function packedColourOf(label: number): number {
  return PACKED[label % SIZE] as number;
}
