import { useQuery } from "@tanstack/react-query";
import { api, data, type Schema } from "../api/client";

/** What the kiosk says of an image before any of its pixels are read. */
export type ImageFacts = Omit<Schema<"ImageView">, "levels"> & {
  /** Height and width of each level, the largest first. */
  readonly levels: readonly (readonly number[])[];
};

/** A column of the table of measurements. */
export type ColumnFacts = Schema<"ColumnAnswer">;

export type ChannelFacts = Schema<"ChannelAnswer">;

/** Milliseconds between two looks at what is still being made. */
const WATCH = 1500;

/** The images of an item; asked for again while their pyramids are being made. */
export function useFacts(job: string, index: number) {
  return useQuery({
    queryKey: ["view", job, index],
    queryFn: () =>
      data(
        api.GET("/api/v1/jobs/{job_id}/items/{index}/view", {
          params: { path: { job_id: job, index } },
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
    refetchInterval: (query) =>
      query.state.data?.images.some((one) => !one.ready) ? WATCH : false,
  });
}

/** What became of an item: its name, and why it has failed. */
export function useItem(job: string, index: number) {
  return useQuery({
    queryKey: ["item", job, index],
    queryFn: () =>
      data(
        api.GET("/api/v1/jobs/{job_id}/items/{index}", {
          params: { path: { job_id: job, index } },
        }),
      ),
    refetchInterval: (query) =>
      ["waiting", "running"].includes(query.state.data?.state ?? "") ? WATCH : false,
  });
}
