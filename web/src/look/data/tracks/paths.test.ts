import { expect, it } from "vitest";
import { pathsOf } from "./paths";

it("joins the places of each cell in order of time", () => {
  const spots = { label: [2, 1, 2], t: [5, 0, 4], y: [50, 10, 40], x: [5, 1, 4] };
  expect(pathsOf(spots)).toEqual([
    { label: 1, points: [{ t: 0, y: 10, x: 1 }] },
    {
      label: 2,
      points: [
        { t: 4, y: 40, x: 4 },
        { t: 5, y: 50, x: 5 },
      ],
    },
  ]);
});

it("leaves out what has no place", () => {
  expect(pathsOf({ label: [1], t: [0], y: [Number.NaN], x: [3] })).toEqual([]);
});
