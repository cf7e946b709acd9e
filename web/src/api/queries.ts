import { QueryClient, useQuery } from "@tanstack/react-query";
import { api, data, type Schema } from "./client";
import { asProblem } from "./problem";

/** What is known of the kiosk's answers. What may pass is asked for again, with patience. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: (count, error) => asProblem(error).passing && count < 4,
        retryDelay: (count) => Math.min(8000, 500 * 2 ** count),
        staleTime: 2000,
        refetchOnWindowFocus: true,
      },
    },
  });
}

export type Me = Schema<"MeAnswer">;
export type Job = Schema<"JobAnswer">;
export type Item = Schema<"ItemAnswer">;

/** Who is signed in; a `Problem` with `signedOut` where nobody is. */
export function useMe() {
  return useQuery({
    queryKey: ["me"],
    queryFn: () => data(api.GET("/api/v1/me")),
    staleTime: 60_000,
  });
}
