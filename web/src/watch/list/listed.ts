import { type InfiniteData, infiniteQueryOptions, type QueryClient } from "@tanstack/react-query";
import { api, data, type Schema } from "../../api/client";
import type { Job } from "../../api/queries";

/** Which jobs are listed; all where nothing is chosen. */
export interface Chosen {
  readonly state: Job["state"] | null;
  readonly pipeline: string | null;
  readonly name: string;
}

/** Jobs of a page: one with a thousand inputs has a hundred kilobytes. */
const PAGE = 25;

/** The jobs that are chosen, newest first, page by page; each is put into the cache on its own. */
export function jobsQuery(chosen: Chosen, cache: QueryClient) {
  return infiniteQueryOptions({
    queryKey: ["jobs", chosen],
    initialPageParam: null as number | null,
    queryFn: async ({ pageParam, signal }) => {
      const { state, pipeline, name } = chosen;
      const query = { state, pipeline, name: name || null, before: pageParam, limit: PAGE };
      const page = await data(
        api.GET("/api/v1/jobs", { params: { query: withoutNull(query) }, signal }),
      );
      for (const job of page.jobs) cache.setQueryData(["job", job.id], job);
      return page;
    },
    getNextPageParam: (last) => last.next,
  });
}

/** The jobs of all pages; one that moved between two requests is there once. */
export function listed(pages: InfiniteData<Schema<"JobPage">> | undefined): Job[] {
  const found = new Map<string, Job>();
  for (const page of pages?.pages ?? []) for (const job of page.jobs) found.set(job.id, job);
  return [...found.values()];
}

/** Whether a job is among those that are chosen. */
export function suits(job: Job, chosen: Chosen): boolean {
  return (
    (chosen.state === null || job.state === chosen.state) &&
    (chosen.pipeline === null || job.pipeline === chosen.pipeline) &&
    job.name.toLowerCase().includes(chosen.name.toLowerCase())
  );
}

/** Whether anything is chosen. */
export function isChoice(chosen: Chosen): boolean {
  return chosen.state !== null || chosen.pipeline !== null || chosen.name !== "";
}

const STATES = ["listing", "running", "paused", "done", "failed", "cancelled"] as const;

/** What the address of the page has chosen; what it says wrongly is not heard. */
export function chosenOf(search: URLSearchParams): Chosen {
  const state = search.get("state");
  return {
    state: STATES.find((one) => one === state) ?? null,
    pipeline: search.get("pipeline"),
    name: search.get("name") ?? "",
  };
}

/** The address's part for what is chosen. */
export function searchOf(chosen: Chosen): Record<string, string> {
  return withoutNull({ ...chosen, name: chosen.name || null });
}

function withoutNull<T extends object>(given: T): { [K in keyof T]: NonNullable<T[K]> } {
  const kept = Object.entries(given).filter(([, value]) => value !== null);
  return Object.fromEntries(kept) as { [K in keyof T]: NonNullable<T[K]> };
}
