import { expect, it } from "vitest";
import type { Job } from "../api/queries";
import { aJob } from "./a-job";
import { doable, ended, money, priced, speed, title, told } from "./states";

it("tells a job that waits from one that runs", () => {
  expect(told(aJob({ state: "running", started: 0 })).word).toBe("Waiting");
  expect(told(aJob({ state: "running", started: 5 })).word).toBe("Running");
});

it("does not call a job done of which all images failed", () => {
  expect(told(aJob({ state: "done", items: 3, failed: 3 })).word).toBe("Failed");
  expect(told(aJob({ state: "done", items: 3, done: 2, failed: 1 })).word).toBe(
    "Done, some failed",
  );
  expect(told(aJob({ state: "done", items: 3, done: 3 })).word).toBe("Done");
});

it("offers what the state allows", () => {
  const offered = (over: Partial<Job>) =>
    Object.entries(doable(aJob(over))).flatMap(([name, may]) => (may ? [name] : []));
  expect(offered({ state: "running", started: 1 })).toEqual(["pause", "cancel", "keep", "delete"]);
  expect(offered({ state: "paused", failed: 1 })).toEqual([
    "resume",
    "cancel",
    "retry",
    "keep",
    "delete",
  ]);
  expect(offered({ state: "done", failed: 2 })).toEqual(["retry", "keep", "delete"]);
  expect(offered({ state: "cancelled", failed: 2 })).toEqual(["keep", "delete"]);
  expect(offered({ state: "deleting" })).toEqual([]);
});

it("names jobs without a name by pipeline and time", () => {
  expect(title(aJob({ name: "plate 7" }))).toBe("plate 7");
  expect(title(aJob({ name: "", pipeline: "track" }))).toMatch(/^track, /);
});

it("counts what has ended", () => {
  expect(ended(aJob({ items: 0, sealed: false, state: "listing" }))).toBe("Looking for images");
  expect(ended(aJob({ items: 1200, done: 30, failed: 2, sealed: true }))).toBe(
    "32 of 1,200 images",
  );
  expect(ended(aJob({ items: 1200, done: 30, sealed: false }))).toBe(
    "30 of 1,200 images found so far",
  );
  expect(ended(aJob({ items: 1, done: 1, sealed: true, state: "done" }))).toBe("1 image");
});

it("says speed in the unit that has digits", () => {
  expect([12.34, 1, 0.5, 0.004].map(speed)).toEqual([
    "12 images/s",
    "1 images/s",
    "30 images/min",
    "0.24 images/min",
  ]);
});

it("says small amounts of money", () => {
  expect([0, 12.345, 0.0312, 0.00001].map((one) => money(one, "EUR"))).toEqual([
    "0.00 EUR",
    "12.35 EUR",
    "0.031 EUR",
    "less than 0.0001 EUR",
  ]);
  expect(priced({ spent: 0.02, expected: 0.3, currency: "EUR" }, false)).toBe(
    "0.02 EUR of about 0.3 EUR",
  );
  expect(priced({ spent: 0.02, expected: 0.3, currency: "EUR" }, true)).toBe("0.02 EUR");
});
