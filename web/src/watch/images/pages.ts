import { queryOptions } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import type { Item, Job } from "../../api/queries";
import { isAtWork } from "../states";

export type ItemState = Item["state"];

/** Images of a page: even with long notes it stays far below a megabyte. */
export const PAGE = 50;

/** Images of a part: a longer list is higher than browsers can draw. */
export const PART = 200_000;

/** Milliseconds between two looks at images that have not ended, and that a page is kept unseen. */
const LOOK = 2000;
const KEPT = 60_000;

/** Page `page` of the images of a job in `state`, or of all; it is fresh as long as it is shown. */
export function pageQuery(job: Job, state: ItemState | null, page: number) {
  const first = page * PAGE;
  const query = state === null ? { after: first } : { state, skip: first };
  return queryOptions({
    queryKey: ["images", job.id, state, page],
    queryFn: ({ signal }) =>
      data(
        api.GET("/api/v1/jobs/{job_id}/items", {
          params: { path: { job_id: job.id }, query: { ...query, limit: PAGE } },
          signal,
        }),
      ),
    gcTime: KEPT,
    staleTime: isAtWork(job) ? LOOK : KEPT,
    refetchInterval: ({ state: { data: told } }) => {
      if (!isAtWork(job) || !told) return false;
      const lacks = told.items.length < Math.min(PAGE, job.items - first);
      return state !== null || lacks || told.items.some(isGoing) ? LOOK : false;
    },
    refetchOnWindowFocus: isAtWork(job),
  });
}

/** Whether an image can still become something else by itself. */
export function isGoing(item: Item): boolean {
  return item.state === "waiting" || item.state === "running";
}

/** How many images of a job are in `state`, about: what waits and what runs is not counted apart. */
export function about(job: Job, state: ItemState | null): number {
  const rest = Math.max(0, job.items - job.done - job.failed);
  switch (state) {
    case null:
      return job.items;
    case "done":
      return job.done;
    case "failed":
      return job.failed;
    case "running":
      return Math.min(rest, job.running);
    case "waiting":
      return Math.max(0, rest - job.running);
  }
}

/** What is known of a page: how many images it has, and whether there are more. */
export interface Told {
  readonly page: number;
  readonly items: number;
  readonly more: boolean;
}

/** How many images there are, of a guess and what the pages that were read tell. */
export function rowsOf(guess: number, pages: readonly Told[]): number {
  let rows = guess;
  for (const { page, items, more } of pages) {
    const end = page * PAGE + items;
    if (!more && (items > 0 || page === 0)) rows = end;
    else if (more) rows = Math.max(rows, end + 1);
    else rows = Math.min(rows, page * PAGE);
  }
  return rows;
}

/** The pages that hold the rows `first` to `last`. */
export function pagesOf(first: number, last: number): number[] {
  const pages = [];
  const end = Math.floor(last / PAGE);
  for (let page = Math.floor(first / PAGE); page <= end; page += 1) pages.push(page);
  return pages;
}

/** Why an image failed, less its name, which stands beside it. */
export function reasonOf(item: Pick<Item, "name" | "error">): string {
  const rest = item.error.startsWith(`${item.name}: `)
    ? item.error.slice(item.name.length + 2)
    : item.error;
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}

/** Seconds that an image took in all its stages. */
export function secondsOf(item: Item): number {
  return Object.values(item.seconds).reduce((sum, one) => sum + one, 0);
}
