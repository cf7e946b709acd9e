import { api, data } from "../api/client";
import { folderOf } from "./corrections";
import { pathsOf } from "./job-body";
import { kiosk } from "./transport";
import { type Inspected, samplePath } from "./understood";
import type { Uploader } from "./uploader";

/** How many images files hold, as far as that is known; nothing where it is not. */
export function imagesIn(paths: string[], inspected: Inspected[]): number | null {
  const known = new Map(inspected.map((one) => [one.path, one]));
  let found = 0;
  for (const path of paths) {
    const file = known.get(path);
    if (!file && /\.zip$/i.test(path)) return null;
    if (!file?.error) found += file?.members ?? 1;
  }
  return found;
}

/** What is tried of a file: of a zip its first image; of one frame of a movie all in its folder. */
export function tried(file: Inspected, movies: boolean): string {
  const shape = file.images[0]?.shape;
  if (movies && file.kind === "image" && shape?.t === 1 && shape.z === 1) {
    return folderOf(file.path) || file.path;
  }
  return samplePath(file);
}

/** What the kiosk understands of a file. */
export async function lookInto(upload: string, path: string): Promise<Inspected> {
  const params = { path: { upload }, query: { path } };
  return data(api.GET("/api/v1/uploads/{upload}/inspect", { params }));
}

/** The paths of an upload but for those removed after they were sent; nothing where all is meant. */
export async function wantedOf(uploader: Uploader): Promise<string[] | null> {
  if (uploader.removed.size === 0 || !uploader.upload) return null;
  const wanted = new Set<string>();
  for (const entry of uploader.entries.values()) {
    if (entry.stage === "done") wanted.add(entry.path);
  }
  const there = await kiosk.list(uploader.upload);
  return pathsOf(
    wanted,
    [...there.keys()].filter((path) => !wanted.has(path)),
  );
}
