import { type QueryClient, queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, data } from "../api/client";
import type { Job } from "../api/queries";

/** The job `id`: events write into the cache what a request would answer. */
export function jobQuery(id: string) {
  return queryOptions({
    queryKey: ["job", id],
    queryFn: ({ signal }) =>
      data(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: id } }, signal })),
    staleTime: 10_000,
  });
}

/** What can be done with a job by a click. */
export type Deed = "pause" | "resume" | "cancel" | "retry" | "keep" | "release" | "delete";

/** Does something with a job; what it is then is shown everywhere. */
export function useDeed(id: string) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (deed: Deed) => done(id, deed),
    onSuccess: async (job, deed) => {
      if (job) cache.setQueryData(["job", id], job);
      if (deed === "retry") await cache.invalidateQueries({ queryKey: ["images", id] });
      if (deed === "delete") forget(cache, id);
    },
    onError: () => void cache.invalidateQueries({ queryKey: ["job", id] }),
  });
}

async function done(id: string, deed: Deed): Promise<Job | undefined> {
  const params = { path: { job_id: id } };
  switch (deed) {
    case "pause":
      return data(api.POST("/api/v1/jobs/{job_id}/pause", { params }));
    case "resume":
      return data(api.POST("/api/v1/jobs/{job_id}/resume", { params }));
    case "cancel":
      return data(api.POST("/api/v1/jobs/{job_id}/cancel", { params }));
    case "retry":
      return data(api.POST("/api/v1/jobs/{job_id}/retry", { params }));
    case "keep":
    case "release": {
      const body = { pinned: deed === "keep" };
      return data(api.PATCH("/api/v1/jobs/{job_id}", { params, body }));
    }
    case "delete":
      await api.DELETE("/api/v1/jobs/{job_id}", { params });
  }
}

/** Takes a job that is being deleted out of all that is shown. */
function forget(cache: QueryClient, id: string): void {
  for (const kind of ["images", "formats", "report", "shares"]) {
    cache.removeQueries({ queryKey: [kind, id] });
  }
  void cache.invalidateQueries({ queryKey: ["jobs"] });
}
