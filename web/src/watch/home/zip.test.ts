import { expect, it } from "vitest";
import { zipOf } from "./zip";

const FORMATS = [
  { name: "tiff", title: "TIFF", summary: "", stored: true },
  { name: "csv", title: "CSV", summary: "", stored: true },
  { name: "geojson", title: "GeoJSON", summary: "", stored: false },
];

it("asks for nothing to be made where all is wanted as it is stored", () => {
  expect(zipOf({ id: "j" }, FORMATS, ["csv", "tiff"])).toBe("/api/v1/jobs/j/results.zip");
});

it("names the formats that are wanted else", () => {
  expect(zipOf({ id: "j" }, FORMATS, ["geojson", "tiff"])).toBe(
    "/api/v1/jobs/j/results.zip?formats=tiff,geojson",
  );
  expect(zipOf({ id: "j" }, FORMATS, ["tiff"])).toBe("/api/v1/jobs/j/results.zip?formats=tiff");
});
