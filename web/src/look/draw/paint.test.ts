import { expect, it } from "vitest";
import { mapped } from "./colour-map";
import { packed, SELECTED, UNKNOWN } from "./colours";
import { type LabelStyle, paint } from "./paint";
import { packedColourOf } from "./palette";

// A square of 7 with its middle, a pixel of 8 that touches it, and nothing around.
const LABELS = Uint16Array.from(
  [
    [0, 0, 0, 0, 0],
    [0, 7, 7, 7, 0],
    [0, 7, 7, 7, 8],
    [0, 7, 7, 7, 0],
    [0, 0, 0, 0, 0],
  ].flat(),
);

const PLAIN: LabelStyle = {
  mode: "outlines",
  opacity: 1,
  colours: { by: "label" },
  selected: new Set(),
};

function drawn(style: Partial<LabelStyle>): Uint32Array {
  const pixels = new Uint32Array(LABELS.length);
  paint(LABELS, 5, 5, { ...PLAIN, ...style }, pixels);
  return pixels;
}

it("draws the rims of objects, not what is inside", () => {
  const pixels = drawn({});
  expect(pixels[0]).toBe(0);
  expect(pixels[6]).toBe(packedColourOf(7));
  expect(pixels[12]).toBe(0);
  expect(pixels[13]).toBe(packedColourOf(7));
  expect(pixels[14]).toBe(packedColourOf(8));
});

it("draws no line where a tile ends", () => {
  const pixels = new Uint32Array(4);
  paint(Uint16Array.of(3, 3, 3, 3), 2, 2, PLAIN, pixels);
  expect([...pixels]).toEqual([0, 0, 0, 0]);
});

it("fills with the opacity wanted", () => {
  const pixels = drawn({ mode: "filled", opacity: 0.5 });
  expect((pixels[12] as number) >>> 24).toBe(128);
  expect((pixels[12] as number) & 0xffffff).toBe(packedColourOf(7) & 0xffffff);
});

it("marks what is selected even where labels are off", () => {
  const pixels = drawn({ mode: "off", selected: new Set([7]) });
  expect(pixels[6]).toBe(packed(SELECTED));
  expect((pixels[12] as number) >>> 24).toBeGreaterThan(0);
  expect(pixels[14]).toBe(0);
});

it("colours by a measurement, and greys what has none", () => {
  const values = new Map([[7, 4]]);
  const pixels = drawn({ mode: "filled", colours: { by: "values", values, min: 0, max: 8 } });
  expect(pixels[12]).toBe(packed(mapped(4, 0, 8)));
  expect(pixels[14]).toBe(packed(UNKNOWN));
});

it("uses one colour for all", () => {
  const pixels = drawn({ mode: "filled", colours: { by: "one", colour: [9, 8, 7] } });
  expect(new Set([pixels[12], pixels[14]])).toEqual(new Set([packed([9, 8, 7])]));
});
