import { queryOptions } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import type { Item, Job } from "../../api/queries";
import { reasonOf } from "../images/pages";

/** Images that are looked at for a summary: pages of them, evenly from the whole job. */
const PAGES = 5;
const OF_PAGE = 100;

/** Failed images that are looked at for their reasons. */
const FAILED = 200;

/** Where the pages of a sample of `items` images begin. */
export function places(items: number): number[] {
  if (items <= PAGES * OF_PAGE) {
    return Array.from({ length: Math.ceil(items / OF_PAGE) }, (_, page) => page * OF_PAGE);
  }
  const step = (items - OF_PAGE) / (PAGES - 1);
  return Array.from({ length: PAGES }, (_, page) => Math.round(page * step));
}

/** How many objects the images of a job have: of all, or of a few hundred from all over. */
export function objectsQuery(job: Job) {
  return queryOptions({
    queryKey: ["images", job.id, "objects", job.done],
    queryFn: async ({ signal }) => {
      const found: number[] = [];
      for (const after of places(job.items)) {
        const query = { after, limit: OF_PAGE };
        const params = { path: { job_id: job.id }, query };
        const page = await data(api.GET("/api/v1/jobs/{job_id}/items", { params, signal }));
        for (const item of page.items) if (item.state === "done") found.push(item.objects);
      }
      return found;
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Why images of a job failed: of the first of them. */
export function failuresQuery(job: Job) {
  return queryOptions({
    queryKey: ["images", job.id, "reasons", job.failed],
    queryFn: async ({ signal }) => {
      const query = { state: "failed" as const, limit: FAILED };
      const params = { path: { job_id: job.id }, query };
      const page = await data(api.GET("/api/v1/jobs/{job_id}/items", { params, signal }));
      return { groups: grouped(page.items), looked: page.items.length };
    },
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Images that failed for the same reason. */
export interface Failures {
  readonly reason: string;
  readonly count: number;
  /** The first of them. */
  readonly index: number;
  readonly name: string;
}

/** Failed images by their reasons, those of most images first. */
export function grouped(items: readonly Pick<Item, "index" | "name" | "error">[]): Failures[] {
  const groups = new Map<string, Failures>();
  for (const item of items) {
    const reason = reasonOf(item) || "No reason is known";
    const { index, name } = groups.get(reason) ?? item;
    groups.set(reason, { reason, index, name, count: (groups.get(reason)?.count ?? 0) + 1 });
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

/** A bar of a histogram: images that have `from` to `to` objects. */
export interface Bar {
  readonly from: number;
  readonly to: number;
  readonly images: number;
}

/** The histogram of whole numbers: at most `most` bars of equal width, on round numbers. */
export function bars(values: readonly number[], most = 16): Bar[] {
  if (values.length === 0) return [];
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  const width = round((high - low + 1) / most);
  const first = Math.floor(low / width);
  const found = Array.from({ length: Math.floor(high / width) - first + 1 }, () => 0);
  for (const value of values) {
    const place = Math.floor(value / width) - first;
    found[place] = (found[place] ?? 0) + 1;
  }
  return found.map((images, place) => ({
    from: (first + place) * width,
    to: (first + place + 1) * width - 1,
    images,
  }));
}

/** The least of 1, 2, 5, 10, 20 … that is no less than `width`. */
function round(width: number): number {
  for (let ten = 1; ; ten *= 10) {
    for (const step of [1, 2, 5]) if (step * ten >= width) return step * ten;
  }
}
