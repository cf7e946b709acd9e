import { expect, it } from "vitest";
import { frameAt, GUTTER, placeOf } from "./lineage-places";

const scale = { frames: 24, width: 400 };

it("finds the frame that is drawn at a place", () => {
  for (const frame of [0, 1, 11, 23]) expect(frameAt(placeOf(frame, scale), scale)).toBe(frame);
});

it("stays within the movie and right of the numbers", () => {
  expect(frameAt(0, scale)).toBe(0);
  expect(frameAt(9999, scale)).toBe(23);
  expect(placeOf(0, scale)).toBeGreaterThan(GUTTER);
  expect(placeOf(23, scale)).toBeLessThan(400);
});
