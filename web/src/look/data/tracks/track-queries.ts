import { useQuery } from "@tanstack/react-query";
import { api, data } from "../../../api/client";
import type { Where } from "../measurements";
import { type Track, treeOf } from "./lineage";

/** Tracks that one question may have as its answer. */
const MOST = 5000;

/** All tracks of an image as a tree. */
export function useTree(where: Where, enabled: boolean) {
  return useQuery({
    enabled,
    queryKey: ["tracks", where],
    queryFn: async ({ signal }) => treeOf(await tracksOf(where, signal)),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

async function tracksOf(where: Where, signal: AbortSignal): Promise<Track[]> {
  const found: Track[] = [];
  for (let after: number | null = 0; after !== null; ) {
    const page: { tracks: Track[]; next: number | null } = await data(
      api.GET("/api/v1/jobs/{job_id}/items/{index}/tracks", {
        params: {
          path: { job_id: where.job, index: where.index },
          query: { image: where.imageNumber, after, limit: MOST },
        },
        signal,
      }),
    );
    found.push(...page.tracks);
    after = page.next;
  }
  return found;
}
