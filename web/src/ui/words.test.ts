import { expect, it } from "vitest";
import { bytes, counted, duration } from "./words";

it("says sizes with a unit that suits", () => {
  expect([0, 999, 1000, 12_345_678, 5e15].map(bytes)).toEqual([
    "0 B",
    "999 B",
    "1 kB",
    "12.3 MB",
    "5 PB",
  ]);
});

it("says times with one or two units", () => {
  expect([0.4, 59.6, 200, 7500, 3 * 86_400].map(duration)).toEqual([
    "0 s",
    "1 min",
    "3 min 20 s",
    "2 h 5 min",
    "3 days",
  ]);
});

it("counts one apart", () => {
  expect([counted(1, "image"), counted(1200, "image")]).toEqual(["1 image", "1,200 images"]);
});
