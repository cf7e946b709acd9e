import type { Problem } from "../api/problem";
import type { Entry, Stage } from "./entry";
import { unitOf } from "./names";
import type { Refused } from "./uploading";

/** A line of the list: a file, an OME-Zarr with all its files, or a file that is not sent. */
export interface Row {
  path: string;
  entries: Entry[];
  refused: Refused | null;
  stage: Stage | "refused";
  /** Bytes. */
  size: number;
  sent: number;
  /** Why it is not there yet. */
  problem: Problem | null;
}

/** What the list shows, in the order in which it was added; what is refused comes last. */
export function rowsOf(entries: Iterable<Entry>, refused: Iterable<Refused>): Row[] {
  const found = new Map<string, Row>();
  for (const entry of entries) {
    const path = unitOf(entry.path);
    const row = found.get(path);
    if (!row) {
      const { stage, size, sent, problem } = entry;
      found.set(path, { path, entries: [entry], refused: null, stage, size, sent, problem });
      continue;
    }
    row.entries.push(entry);
    row.size += entry.size;
    row.sent += entry.sent;
    row.problem ??= entry.problem;
    if (ORDER.indexOf(entry.stage) < ORDER.indexOf(row.stage)) row.stage = entry.stage;
  }
  const rows = [...found.values()];
  for (const one of refused) {
    const { path, size } = one;
    rows.push({ path, entries: [], refused: one, stage: "refused", size, sent: 0, problem: null });
  }
  return rows;
}

/** Of several files that are one image, the state that says most. */
const ORDER: Row["stage"][] = [
  "refused",
  "failed",
  "absent",
  "paused",
  "sending",
  "waiting",
  "done",
];

/** Whether the user should look at a row. */
export function isBad(row: Row): boolean {
  return ["failed", "absent", "refused"].includes(row.stage);
}

/** Whether two rows look the same. */
export function isSame(one: Row, other: Row): boolean {
  return (
    one.path === other.path &&
    one.stage === other.stage &&
    one.sent === other.sent &&
    one.size === other.size &&
    one.problem === other.problem &&
    one.refused === other.refused &&
    one.entries.length === other.entries.length
  );
}
