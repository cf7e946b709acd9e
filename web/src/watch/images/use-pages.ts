import { useDebouncedValue } from "@mantine/hooks";
import { useQueries } from "@tanstack/react-query";
import type { Item, Job } from "../../api/queries";
import { type ItemState, PAGE, pageQuery, type Told } from "./pages";

/** Milliseconds that a page is in view before it is asked for: those passed in a hurry are not. */
const REST = 100;

/** What is known of the images in view. */
export interface Pages {
  /** The image in row `row` of the list, where it is known. */
  readonly item: (row: number) => Item | undefined;
  readonly told: Told[];
  /** Why images in view could not be had. */
  readonly error: Error | null;
  readonly again: () => void;
}

/** The pages `pages` of a job's images in `state`, or of all. */
export function usePages(job: Job, state: ItemState | null, pages: number[]): Pages {
  const wanted = pages.join();
  const [settled] = useDebouncedValue(wanted, REST);
  return useQueries({
    queries: pages.map((page) => ({
      ...pageQuery(job, state, page),
      enabled: wanted === settled,
    })),
    combine: (found) => ({
      item: (row) => {
        const place = pages.indexOf(Math.floor(row / PAGE));
        return found[place]?.data?.items[row % PAGE];
      },
      told: found.flatMap(({ data }, place) =>
        data
          ? [{ page: pages[place] ?? 0, items: data.items.length, more: data.next !== null }]
          : [],
      ),
      error: found.find((one) => one.isError && !one.data)?.error ?? null,
      again: () => {
        for (const one of found) if (one.isError) void one.refetch();
      },
    }),
  });
}
