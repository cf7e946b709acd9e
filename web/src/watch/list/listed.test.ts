import { expect, it } from "vitest";
import { aJob } from "../a-job";
import { chosenOf, listed, searchOf, suits } from "./listed";

const ALL = { state: null, pipeline: null, name: "" };

it("takes from the address what can be chosen, and puts it back", () => {
  const chosen = chosenOf(new URLSearchParams("state=done&name=plate%207"));
  expect(chosen).toEqual({ state: "done", pipeline: null, name: "plate 7" });
  expect(searchOf(chosen)).toEqual({ state: "done", name: "plate 7" });
  expect(chosenOf(new URLSearchParams("state=nonsense"))).toEqual(ALL);
});

it("finds names as the kiosk does, in any case", () => {
  expect(suits(aJob({ name: "Plate 7" }), { ...ALL, name: "plate" })).toBe(true);
  expect(suits(aJob({ name: "Plate 7" }), { ...ALL, name: "plate 8" })).toBe(false);
  expect(suits(aJob({ state: "running" }), { ...ALL, state: "done" })).toBe(false);
});

it("lists a job once that is on two pages, as it was told last", () => {
  const one = (done: number) => ({ jobs: [aJob({ done })], next: null });
  const found = listed({ pages: [one(1), one(2)], pageParams: [null, 1] });
  expect(found.map((job) => job.done)).toEqual([2]);
});
