import type { Kept } from "./uploader";

/** Files of an upload that are remembered: more do not fit into what a browser lets a page keep. */
const MOST = 30_000;

/** Milliseconds after which an upload is forgotten; the kiosk has deleted it by then. */
const AGE = 7 * 86_400_000;

type Line = [path: string, size: number, modified: number];

/** The upload that `user` was at when the page was left; nothing where there was none. */
export function recall(user: string, now = Date.now()): Kept | null {
  try {
    const text = localStorage.getItem(keyOf(user));
    if (!text) return null;
    const kept = JSON.parse(text) as { upload: string; time: number; files: Line[] };
    if (typeof kept.upload !== "string" || now - kept.time > AGE) return null;
    const files = kept.files.map(([path, size, modified]) => ({ path, size, modified }));
    return { upload: kept.upload, files };
  } catch {
    return null; // what is there was written by another version, or by nobody
  }
}

/** Keeps an upload for when the page is loaded again. */
export function remember(user: string, kept: Kept, now = Date.now()): void {
  const files: Line[] = kept.files
    .slice(0, MOST)
    .map(({ path, size, modified }) => [path, size, modified]);
  try {
    localStorage.setItem(keyOf(user), JSON.stringify({ upload: kept.upload, time: now, files }));
  } catch {
    // No room, or no leave to keep anything: the upload goes on all the same.
  }
}

/** Forgets the upload of `user`. */
export function forget(user: string): void {
  try {
    localStorage.removeItem(keyOf(user));
  } catch {
    // Nothing can be kept here, so nothing is.
  }
}

function keyOf(user: string): string {
  return `cytomill:upload:${user}`;
}
