import { expect, it } from "vitest";
import { bars, grouped, places } from "./sample";

it("looks at all of few images, and at some of many, first and last among them", () => {
  expect(places(120)).toEqual([0, 100]);
  expect(places(500)).toEqual([0, 100, 200, 300, 400]);
  expect(places(100_000)).toEqual([0, 24_975, 49_950, 74_925, 99_900]);
});

it("groups failures by reason, the name of the image aside", () => {
  const error = (name: string, why: string) => `${name}: ${why}`;
  const items = ["a", "b", "c"].map((name, index) => ({
    index,
    name,
    error: error(name, index === 1 ? "is empty" : "not a TIFF file"),
  }));
  expect(grouped(items)).toEqual([
    { reason: "Not a TIFF file", count: 2, index: 0, name: "a" },
    { reason: "Is empty", count: 1, index: 1, name: "b" },
  ]);
});

it("draws histograms on round numbers that hold every value once", () => {
  const values = Array.from({ length: 300 }, (_, index) => 37 + ((index * 7) % 110));
  const found = bars(values);
  expect(found.length).toBeLessThanOrEqual(17);
  expect(found.reduce((sum, bar) => sum + bar.images, 0)).toBe(300);
  expect(found[0]).toMatchObject({ from: 30, to: 39 });
  expect(bars([5, 5])).toEqual([{ from: 5, to: 5, images: 2 }]);
  expect(bars([])).toEqual([]);
});
