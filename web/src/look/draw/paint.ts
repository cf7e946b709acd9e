import type { Pixels } from "../pixels/pyramid";
import { packedMapped } from "./colour-map";
import { packed, type Rgb, SELECTED, UNKNOWN } from "./colours";
import { packedColourOf } from "./palette";

export type LabelMode = "outlines" | "filled" | "off";

/** What colours labels have: each its own, all the same, or that of a measurement. */
export type LabelColours =
  | { readonly by: "label" }
  | { readonly by: "one"; readonly colour: Rgb }
  | {
      readonly by: "values";
      readonly values: ReadonlyMap<number, number>;
      readonly min: number;
      readonly max: number;
    };

export type LabelStyle = {
  readonly mode: LabelMode;
  /** 0 to 1; what is selected stays as it is. */
  readonly opacity: number;
  readonly colours: LabelColours;
  readonly selected: ReadonlySet<number>;
};

/** How strongly the inside of what is selected is tinted, of 255. */
const TINT = 72;

const WHITE = packed(SELECTED);

/**
 * Draws a tile of labels into `pixels` (RGBA, as many as there are labels). Outlines are the pixels
 * of an object that touch another one or none; the tile's own edge is no outline, for objects go on
 * beyond it.
 */
export function paint(
  labels: Pixels,
  width: number,
  height: number,
  style: LabelStyle,
  pixels: Uint32Array,
): void {
  const { mode, selected } = style;
  const alpha = Math.round(style.opacity * 255);
  const filled = mode === "filled";
  const last = height - 1;
  let label = 0;
  let plain = 0;
  let edge = 0;
  for (let row = 0, at = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1, at += 1) {
      const here = labels[at] as number;
      if (here === 0) {
        pixels[at] = 0;
        continue;
      }
      if (here !== label) {
        label = here;
        const chosen = selected.has(here);
        const colour = chosen || mode !== "off" ? packedLabel(here, style.colours) & 0xffffff : 0;
        const own = mode === "off" ? 0 : (colour | (alpha << 24)) >>> 0;
        edge = chosen ? WHITE : own;
        plain = filled ? own : 0;
        if (chosen) plain = (colour | (Math.max(TINT, filled ? alpha : 0) << 24)) >>> 0;
      }
      const inside =
        edge === plain ||
        ((column === 0 || labels[at - 1] === here) &&
          (column === width - 1 || labels[at + 1] === here) &&
          (row === 0 || labels[at - width] === here) &&
          (row === last || labels[at + width] === here));
      pixels[at] = inside ? plain : edge;
    }
  }
}

function packedLabel(label: number, colours: LabelColours): number {
  if (colours.by === "label") return packedColourOf(label);
  if (colours.by === "one") return packed(colours.colour);
  const value = colours.values.get(label);
  if (value === undefined || !Number.isFinite(value)) return packed(UNKNOWN);
  return packedMapped(value, colours.min, colours.max);
}
