import type { Schema } from "../api/client";

/** What is right of images that a file tells wrongly. */
export interface Correction {
  axes: string | null;
  /** Edge of a pixel in µm. */
  pixel_size: number | null;
}

/** Corrections by path: of a file, of a folder or zip for all in it, `*` for all. */
export type Corrections = Record<string, Correction>;

export const ALL = "*";

/** What is right of the file at `path`: of several that counts which names most of it. */
export function correctionOf(corrections: Corrections, path: string): Correction | null {
  return corrections[scopeOf(corrections, path) ?? ""] ?? null;
}

/** The path that the correction of `path` is said of; nothing where there is none. */
export function scopeOf(corrections: Corrections, path: string): string | null {
  for (let above = path; above; above = folderOf(above)) if (corrections[above]) return above;
  return corrections[ALL] ? ALL : null;
}

/** `corrections` with one for `path` and all in it; without any where nothing is corrected. */
export function corrected(
  corrections: Corrections,
  path: string,
  correction: Correction,
): Corrections {
  const kept = Object.entries(corrections).filter(
    ([one]) => one !== path && !one.startsWith(`${path}/`) && path !== ALL,
  );
  const empty = correction.axes === null && correction.pixel_size === null;
  return Object.fromEntries(empty ? kept : [...kept, [path, correction]]);
}

/** As a job takes them. */
export function asInputs(corrections: Corrections): Schema<"Corrected">[] {
  return Object.entries(corrections).map(([path, one]) => ({ path, ...one }));
}

/** The folder that a path is in; empty at the top. */
export function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}
