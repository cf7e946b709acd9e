import { useSyncExternalStore } from "react";
import type { Corrections } from "./corrections";
import type { Outputs } from "./job-body";
import type { Values } from "./schema-form";

/** What was chosen for a job that is not submitted yet. */
export interface Draft {
  pipeline: string;
  /** What was put into the form of each pipeline. */
  options: Record<string, Values>;
  outputs: Outputs;
  corrections: Corrections;
  name: string;
  /** The job that was tried on one image, and what it was tried with. */
  tried: { job: string; with: string } | null;
}

const EMPTY: Draft = {
  pipeline: "nuclei",
  options: {},
  outputs: { format: "tiff", overlay: false, geojson: false },
  corrections: {},
  name: "",
  tried: null,
};

const KEY = "cytomill:draft";

const listeners = new Set<() => void>();
let draft = recalled();

/** What was chosen so far; it outlives a look at another place, and a page that is loaded again. */
export function useDraft(): Draft {
  return useSyncExternalStore(subscribe, () => draft);
}

/** Changes what was chosen. */
export function choose(change: Partial<Draft> | ((draft: Draft) => Partial<Draft>)): void {
  draft = { ...draft, ...(typeof change === "function" ? change(draft) : change) };
  try {
    sessionStorage.setItem(KEY, JSON.stringify(draft));
  } catch {
    // Nothing can be kept here; it is there until the page is left.
  }
  for (const listener of listeners) listener();
}

/** Begins anew with the same pipeline and options: the next images are often like the last. */
export function nextDraft(): void {
  choose({ corrections: {}, name: "", tried: null });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function recalled(): Draft {
  try {
    return { ...EMPTY, ...(JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Partial<Draft>) };
  } catch {
    return EMPTY;
  }
}
