import { expect, it } from "vitest";
import { tails } from "./tails";

const LONG = { label: 3, points: Array.from({ length: 40 }, (_, t) => ({ t, y: t, x: 2 * t })) };
const OVER = { label: 4, points: [0, 1].map((t) => ({ t, y: 0, x: t })) };

it("draws the latest frames, the older the fainter", () => {
  const [tail, ...others] = tails([LONG, OVER], 30, new Set());
  expect(others).toEqual([]);
  expect(tail?.path).toHaveLength(11);
  expect(tail?.path.at(-1)).toEqual([60.5, 30.5]);
  const alphas = tail?.colours.map((one) => one[3]) ?? [];
  expect(alphas.at(-1)).toBe(255);
  expect([...alphas].sort((a, b) => a - b)).toEqual(alphas);
});

it("draws all of a selected way, whenever it is", () => {
  const [tail] = tails([OVER], 30, new Set([4]));
  expect(tail?.path).toHaveLength(2);
  expect(tail?.colours.every((one) => one[3] > 0)).toBe(true);
});
