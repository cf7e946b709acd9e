import { expect, it } from "vitest";
import { mapped } from "./colour-map";
import { hexOf, luminance, oklch, packed, rgbOf } from "./colours";
import { colourOf } from "./palette";

it("reads and writes colours", () => {
  expect(rgbOf("#0a80ff")).toEqual([10, 128, 255]);
  expect(hexOf([10, 128, 255])).toBe("#0a80ff");
  expect(rgbOf("blue")).toEqual([255, 255, 255]);
});

it("packs red first, as pixels lie in memory", () => {
  const bytes = new Uint8Array(Uint32Array.of(packed([1, 2, 3], 4)).buffer);
  expect([...bytes]).toEqual([1, 2, 3, 4]);
});

it("turns Oklch into sRGB", () => {
  expect(oklch(1, 0, 0)).toEqual([255, 255, 255]);
  // The values of CSS Color 4 for pure red.
  expect(oklch(0.62796, 0.25768, 29.23)).toEqual([255, 0, 0]);
});

it("gives labels light colours that successive ones do not share", () => {
  for (let label = 1; label < 256; label += 1) {
    const colour = colourOf(label);
    expect(luminance(colour)).toBeGreaterThan(0.25);
    expect(Math.max(...colour) - Math.min(...colour)).toBeGreaterThan(60);
    const next = colourOf(label + 1);
    const apart = colour.reduce((sum, one, at) => sum + Math.abs(one - (next[at] ?? 0)), 0);
    expect(apart).toBeGreaterThan(80);
  }
  expect(colourOf(5)).toEqual(colourOf(5 + 256));
});

it("rises evenly in lightness over the map, and stops at its ends", () => {
  let before = -1;
  for (let value = 0; value <= 10; value += 1) {
    const light = luminance(mapped(value, 0, 10));
    expect(light).toBeGreaterThan(before);
    before = light;
  }
  expect(mapped(-5, 0, 10)).toEqual(mapped(0, 0, 10));
  expect(mapped(50, 0, 10)).toEqual(mapped(10, 0, 10));
});
