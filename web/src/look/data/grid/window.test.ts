import { expect, it } from "vitest";
import { pagesOf, rowsSeen, scrollHeight, scrollTo } from "./window";

it("draws what is seen of a short table", () => {
  expect(rowsSeen(0, 100, 3, 30)).toEqual({ first: 0, end: 3, top: 0 });
  expect(rowsSeen(45, 100, 50, 30)).toEqual({ first: 1, end: 6, top: 30 });
  expect(rowsSeen(0, 100, 0, 30)).toEqual({ first: 0, end: 0, top: 0 });
});

it("reaches each of a million rows within what a browser can scroll", () => {
  const height = scrollHeight(1_000_000, 30);
  expect(height).toBeLessThan(17_000_000);
  const last = rowsSeen(height - 300, 300, 1_000_000, 30);
  expect(last.end).toBe(1_000_000);
  expect(last.first).toBe(999_990);
  expect(last.top).toBeCloseTo(height - 300);
  for (const row of [0, 1, 421_337, 999_999]) {
    const seen = rowsSeen(scrollTo(row, 5_000_000, 300, 1_000_000, 30), 300, 1_000_000, 30);
    expect(seen.first).toBeLessThanOrEqual(row);
    expect(seen.end).toBeGreaterThan(row);
  }
});

it("scrolls no further than it must", () => {
  expect(scrollTo(3, 60, 100, 50, 30)).toBe(60);
  expect(scrollTo(1, 60, 100, 50, 30)).toBe(30);
  expect(scrollTo(5, 60, 100, 50, 30)).toBe(80);
  expect(scrollTo(30, 60, 100, 50, 30)).toBe(865);
  expect(scrollTo(49, 0, 100, 50, 30)).toBe(1400);
});

it("asks for the pages of what is seen", () => {
  expect(pagesOf(0, 0, 100)).toEqual([]);
  expect(pagesOf(0, 100, 100)).toEqual([0]);
  expect(pagesOf(99, 301, 100)).toEqual([0, 1, 2, 3]);
});
