import { expect, it } from "vitest";
import { edgesOf, histogram, quantile, summaryOf } from "./bins";

const hundred = Array.from({ length: 100 }, (_, i) => i + 1);

it("counts each value once", () => {
  const values = hundred.map((one) => one / 7);
  for (const log of [false, true]) {
    const edges = edgesOf(values, log);
    const bins = histogram(values, edges);
    expect(bins.length).toBeGreaterThanOrEqual(5);
    expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(100);
    expect([bins[0]?.low, bins.at(-1)?.high]).toEqual([values[0], values.at(-1)]);
  }
});

it("puts a value on an edge into the bin that begins there, the greatest into the last", () => {
  expect(histogram([0, 1, 1.5, 2, 3], [0, 1, 2]).map((bin) => bin.count)).toEqual([1, 3]);
});

it("has equal steps in the logarithm, and nothing that has none", () => {
  const edges = edgesOf([-1, 0, 1, 10, 100, 1000], true);
  const steps = edges.slice(1).map((edge, i) => edge / (edges[i] ?? 1));
  expect(Math.max(...steps)).toBeCloseTo(Math.min(...steps));
  expect(edges[0]).toBe(1);
});

it("has no bins between whole numbers", () => {
  expect(edgesOf([0, 1, 2, 0, 1, 2, 0, 1], false).length).toBe(4);
});

it("has a bin for values that are all the same, and none for none", () => {
  expect(edgesOf([5, 5], false)).toEqual([4.5, 5.5]);
  expect(edgesOf([], false)).toEqual([]);
  expect(edgesOf([Number.NaN], true)).toEqual([]);
  expect(histogram([1], [])).toEqual([]);
});

it("tells quartiles, without what is not known", () => {
  expect(summaryOf([4, 1, Number.NaN, 3, 2, 5])).toEqual({
    count: 5,
    min: 1,
    lower: 2,
    median: 3,
    upper: 4,
    max: 5,
  });
  expect(summaryOf([])).toBeNull();
  expect(quantile([1, 2], 0.5)).toBe(1.5);
});
