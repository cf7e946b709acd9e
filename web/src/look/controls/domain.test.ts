import { expect, it } from "vitest";
import { domainOf, stepOf } from "./domain";

const FACTS = { name: "a", colour: "#ffffff", low: 100, high: 1100, min: 0, max: 65_535 };

it("leaves out a long tail of bright pixels", () => {
  expect(domainOf(FACTS, 100, 1100)).toEqual([0, 2600]);
  expect(domainOf({ ...FACTS, max: 1200 }, 100, 1100)).toEqual([0, 1200]);
});

it("has room for limits that were typed", () => {
  expect(domainOf(FACTS, -5, 9000)).toEqual([-5, 9000]);
});

it("steps by whole numbers where these are enough", () => {
  expect([255, 2600, 65_535].map((max) => stepOf(0, max))).toEqual([1, 7, 164]);
  expect(stepOf(0, 1)).toBeCloseTo(0.001);
});
