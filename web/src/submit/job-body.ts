import type { Schema } from "../api/client";
import { asInputs, type Corrections, folderOf } from "./corrections";
import type { Values } from "./schema-form";

export type Outputs = Schema<"Outputs">;
type Inputs = Schema<"Inputs">;
type NewJob = Schema<"NewJob">;

/** Paths that an input of a job may name. */
const MOST = 1000;

/** What a job is made of. */
export interface Plan {
  upload: string;
  pipeline: string;
  name: string;
  options: Values;
  outputs: Outputs;
  corrections: Corrections;
}

/** A job over all of an upload, or over `paths` of it. */
export function jobOf(plan: Plan, paths: string[] | null): NewJob {
  return {
    pipeline: plan.pipeline,
    name: plan.name,
    options: plan.options,
    outputs: plan.outputs,
    priority: "normal",
    inputs: inputsOf(plan, paths),
  };
}

function inputsOf(plan: Plan, paths: string[] | null): Inputs[] {
  const one: Inputs = {
    upload: plan.upload,
    prefix: "",
    folder: "",
    corrections: asInputs(plan.corrections),
  };
  if (!paths) return [one];
  const found: Inputs[] = [];
  for (let first = 0; first < paths.length; first += MOST) {
    found.push({ ...one, paths: paths.slice(first, first + MOST) });
  }
  return found;
}

/**
 * The fewest paths that name all of `wanted` and nothing of `unwanted`: folders where all in them
 * is wanted. Nothing where all of the upload is.
 */
export function pathsOf(wanted: Iterable<string>, unwanted: Iterable<string>): string[] | null {
  const mixed = new Set<string>();
  let any = false;
  for (const path of unwanted) {
    any = true;
    for (let above = folderOf(path); above; above = folderOf(above)) mixed.add(above);
  }
  if (!any) return null;
  const found = new Set<string>();
  for (const path of wanted) {
    let widest = path;
    for (let above = folderOf(path); above && !mixed.has(above); above = folderOf(above)) {
      widest = above;
    }
    found.add(widest);
  }
  return [...found];
}

/** What a job over these files may be called: their folder, the file, or how many there are. */
export function nameOf(paths: string[]): string {
  const [first] = paths;
  if (first === undefined) return "";
  const top = (path: string) => path.split("/", 1)[0] ?? "";
  if (paths.length === 1) return first.replace(/^.*\//, "").replace(/(\.ome)?\.[^.]+$/i, "");
  const folder = top(first);
  const together = folder !== first && paths.every((path) => top(path) === folder);
  return together ? folder : `${paths.length} files`;
}
