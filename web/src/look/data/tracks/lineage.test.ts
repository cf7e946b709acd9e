import { expect, it } from "vitest";
import { daughtersOf, parentOf, partOf, type Track, ticksOf, treeOf } from "./lineage";

function track(label: number, start: number, end: number, parent: number | null = null): Track {
  return { label, start, end, parent, children: [] };
}

/** 1 divides into 2 and 3, and 3 into 4 and 5; 6 is alone. */
const tracks = [
  track(6, 0, 9),
  track(1, 0, 2),
  track(2, 3, 9, 1),
  track(3, 3, 5, 1),
  track(4, 6, 7, 3),
  track(5, 6, 9, 3),
];

function labels(lanes: readonly { track: Track }[]): number[] {
  return lanes.map((lane) => lane.track.label);
}

it("puts daughters above and below their parent, large families first", () => {
  const tree = treeOf(tracks);
  expect(labels(tree.lanes)).toEqual([2, 1, 4, 3, 5, 6]);
  expect(tree.lanes.map((lane) => lane.depth)).toEqual([1, 0, 2, 1, 2, 0]);
  expect(tree.lanes.map((lane) => lane.row)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(tree.byLabel.get(4)?.family).toEqual({ founder: 1, first: 0, end: 5 });
  expect(tree.frames).toBe(10);
});

it("knows who came of whom", () => {
  const tree = treeOf(tracks);
  const [above, founder] = tree.lanes;
  if (!above || !founder) throw new Error("there are no lanes");
  expect(parentOf(tree, above)).toBe(founder);
  expect(parentOf(tree, founder)).toBeUndefined();
  expect(labels(daughtersOf(tree, founder))).toEqual([2, 3]);
});

it("draws a branch that crosses the rows that are seen, though both its ends are not", () => {
  const tree = treeOf(tracks);
  const part = partOf(tree, 2, 3);
  expect(labels(part.lanes)).toEqual([4]);
  expect(part.branches.map((one) => [one.from.track.label, one.to.track.label])).toEqual([
    [3, 4],
    [1, 3],
  ]);
  expect(partOf(tree, 5, 6).branches).toEqual([]);
});

it("begins a family where a parent is missing, and ends where tracks go in a circle", () => {
  const lost = treeOf([track(2, 0, 1, 9), track(3, 0, 1, 4), track(4, 2, 3, 3)]);
  expect(labels(lost.lanes).sort()).toEqual([2, 3, 4]);
  expect(lost.lanes.every((lane) => !parentOf(lost, lane))).toBe(true);
  expect(treeOf([]).lanes).toEqual([]);
});

it("lays out a hundred thousand tracks, and a cell that divides a thousand times", () => {
  const many = Array.from({ length: 100_000 }, (_, i) => track(i + 1, 0, 1));
  expect(treeOf(many).lanes.length).toBe(100_000);
  const deep = Array.from({ length: 2000 }, (_, i) =>
    track(i + 1, i, i, i === 0 ? null : Math.ceil(i / 2) * 2 - 1),
  );
  const tree = treeOf(deep);
  expect(tree.lanes.length).toBe(2000);
  expect(Math.max(...tree.lanes.map((lane) => lane.depth))).toBe(1000);
});

it("has round frames on its axis", () => {
  expect(ticksOf(10, 10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(ticksOf(100, 6)).toEqual([19, 39, 59, 79, 99]);
  expect(ticksOf(1, 5)).toEqual([0]);
});
