import { expect, it } from "vitest";
import type { Entry } from "./entry";
import { lanes } from "./lanes";
import { isBad, rowsOf } from "./rows";

it("does so many things at once, and all of them", async () => {
  const lane = lanes(2);
  let now = 0;
  let most = 0;
  const work = async (fails: boolean) => {
    now += 1;
    most = Math.max(most, now);
    await Promise.resolve();
    now -= 1;
    if (fails) throw new Error("told");
    return 1;
  };
  const all = await Promise.allSettled([1, 2, 3, 4, 5].map((n) => lane(() => work(n === 2))));
  expect(most).toBe(2);
  expect(all.map((one) => one.status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
    "fulfilled",
  ]);
});

it("shows an OME-Zarr as one image, in the state that says most", () => {
  const entry = (id: number, path: string, stage: Entry["stage"]): Entry => ({
    id,
    path,
    size: 10,
    modified: 0,
    blob: null,
    stage,
    sent: stage === "done" ? 10 : 4,
    problem: null,
    faults: 0,
    pieces: null,
  });
  const rows = rowsOf(
    [entry(1, "a.zarr/0", "done"), entry(2, "b.tif", "done"), entry(3, "a.zarr/1", "sending")],
    [{ path: "c.txt", size: 1, fault: "No image.", advice: "Give one." }],
  );
  expect(rows.map(({ path, stage, size, sent }) => [path, stage, size, sent])).toEqual([
    ["a.zarr", "sending", 20, 14],
    ["b.tif", "done", 10, 10],
    ["c.txt", "refused", 1, 0],
  ]);
  expect(rows.map(isBad)).toEqual([false, false, true]);
});
