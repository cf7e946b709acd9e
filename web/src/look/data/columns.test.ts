import { expect, it } from "vitest";
import type { ColumnFacts, ImageFacts } from "../facts";
import { comparable, firstShown, lengthOf, shown, titleOf, titleWithUnit } from "./columns";

function image(names: Record<string, number | null>, more: Partial<ImageFacts> = {}): ImageFacts {
  const columns = Object.entries(names).map(
    ([name, min]): ColumnFacts => ({ name, unit: "", kind: "number", min, max: min }),
  );
  return { shape: { t: 1, c: 1, z: 1, y: 9, x: 9 }, tracks: false, columns, ...more } as ImageFacts;
}

it("says what columns are in words", () => {
  const names = ["t", "area_um2", "centroid-0", "intensity_mean-DAPI", "speed_um_per_h"];
  expect(names.map(titleOf)).toEqual(["t", "Area", "Centre y", "Mean DAPI", "Speed"]);
  expect(titleOf("intensity_std-1")).toBe("Deviation channel 2");
  expect(titleWithUnit({ name: "area_um2", unit: "µm²" })).toBe("Area (µm²)");
  expect(titleWithUnit({ name: "axis_ratio", unit: "" })).toBe("Axis ratio");
});

it("shows the size in µm² where it is known", () => {
  const columns = { label: 1, t: 0, area: 5, area_um2: 1, "intensity_mean-DAPI": 2 };
  expect(firstShown(image(columns))).toEqual(["label", "area_um2", "intensity_mean-DAPI"]);
  expect(firstShown(image({ ...columns, area_um2: null }))).toContain("area");
});

it("shows the frame and the ancestors of cells that were followed", () => {
  const shape = { t: 5, c: 1, z: 1, y: 9, x: 9 };
  const movie = image({ label: 1, t: 0, area: 4, parent: 1 }, { shape, tracks: true });
  expect(firstShown(movie)).toEqual(["label", "t", "area", "parent"]);
});

it("compares what describes cells before where they are, and nothing unknown", () => {
  const columns = comparable(image({ label: 1, "centroid-0": 3, area: 5, area_um2: null }));
  expect(columns.map((one) => one.name)).toEqual(["area", "label", "centroid-0"]);
});

it("shows numbers that are names as they are, and knows their length", () => {
  expect([shown(1_234_567, "label"), shown(1_234_567, "area")]).toEqual(["1234567", "1,234,567"]);
  expect(lengthOf({ name: "label", min: 1, max: 1_000_000 })).toBe(7);
  expect(lengthOf({ name: "area", min: null, max: null })).toBe(1);
});

it("shows numbers with the digits that tell something", () => {
  expect([null, 12, 12_345.678, 0.123_456, 1e-7, "ok", true].map((one) => shown(one))).toEqual([
    "–",
    "12",
    "12,346",
    "0.1235",
    "1E-7",
    "ok",
    "yes",
  ]);
});
