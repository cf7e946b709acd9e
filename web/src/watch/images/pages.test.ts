import { expect, it } from "vitest";
import { aJob } from "../a-job";
import { about, pagesOf, reasonOf, rowsOf } from "./pages";

it("knows how many images are in a state, as far as the job tells", () => {
  const job = aJob({ items: 100, done: 40, failed: 10, running: 8 });
  expect([null, "done", "failed", "running", "waiting"].map((one) => about(job, one as "done"))) //
    .toEqual([100, 40, 10, 8, 42]);
});

it("ends the list where the kiosk has no more", () => {
  expect(rowsOf(60, [{ page: 1, items: 4, more: false }])).toBe(54);
  expect(rowsOf(60, [{ page: 0, items: 0, more: false }])).toBe(0);
  expect(rowsOf(160, [{ page: 3, items: 0, more: false }])).toBe(150);
});

it("goes on where the kiosk has more than was thought", () => {
  expect(rowsOf(10, [{ page: 0, items: 50, more: true }])).toBe(51);
  expect(rowsOf(200, [{ page: 0, items: 50, more: true }])).toBe(200);
});

it("names the pages of what is in view", () => {
  expect(pagesOf(0, 12)).toEqual([0]);
  expect(pagesOf(49, 100)).toEqual([0, 1, 2]);
});

it("leaves the name out of a reason that stands beside it", () => {
  expect(reasonOf({ name: "a.tif", error: "a.tif: not a TIFF file" })).toBe("Not a TIFF file");
  expect(reasonOf({ name: "a.tif", error: "disk full" })).toBe("Disk full");
});
