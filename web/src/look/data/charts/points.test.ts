import { expect, it } from "vitest";
import { nearest } from "./points";

it("finds the dot that was clicked, as near as it looks on each axis", () => {
  const axes = [
    { title: "", log: true },
    { title: "", log: false },
  ] as const;
  const points = { x: [10, 100, -1], y: [0, 0, 0] };
  expect(nearest(points, { x: [20, 200], y: [-1, 1] }, axes)).toBe(1);
  expect(nearest(points, { x: [5, 25], y: [-1, 1] }, axes)).toBe(0);
  expect(nearest(points, { x: [5, 25], y: [2, 4] }, axes)).toBeUndefined();
});
