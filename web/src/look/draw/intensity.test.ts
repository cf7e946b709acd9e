import { expect, it } from "vitest";
import { automatic, composed, histogram } from "./intensity";

it("counts intensities, and those beyond the ends in the last bins", () => {
  const found = histogram(Uint16Array.of(0, 1, 5, 9, 10, 99), 0, 10, 10);
  expect(found.bins).toEqual([1, 1, 0, 0, 0, 1, 0, 0, 0, 3]);
});

it("leaves out the few brightest and darkest", () => {
  const data = Float32Array.from({ length: 1000 }, (_, index) => index);
  expect(automatic(data)).toEqual([9, 997]);
});

it("passes over what is no number", () => {
  const data = Float32Array.of(Number.NaN, 1, 2, Number.POSITIVE_INFINITY);
  expect(automatic(data)).toEqual([1, 2]);
  expect(histogram(data, 0, 4, 4).bins).toEqual([0, 1, 1, 0]);
});

it("has some contrast even where all is one grey", () => {
  expect(automatic(Uint8Array.of(7, 7, 7))).toEqual([7, 8]);
});

it("adds channels up", () => {
  const tile = { data: Uint8Array.of(0, 100), width: 2, height: 1 };
  const channels = [
    { tile, colour: [255, 0, 0] as const, low: 0, high: 100 },
    { tile, colour: [255, 255, 0] as const, low: 0, high: 200 },
  ];
  expect([...composed(channels, 2, 1)]).toEqual([0, 0, 0, 255, 255, 128, 0, 255]);
});
