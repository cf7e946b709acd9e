import { useQueries, useQuery } from "@tanstack/react-query";
import { api, data } from "../api/client";
import { asProblem } from "../api/problem";
import { type Corrections, correctionOf } from "./corrections";
import { lanes } from "./lanes";
import type { Inspected } from "./understood";

/** Files that the kiosk is asked about at once. */
const lane = lanes(3);

/** Files that are looked into although nobody looks at them: their channels and counts are used. */
const AHEAD = 60;

/** How long an answer holds: a file of an upload does not change. */
const FOREVER = { staleTime: Number.POSITIVE_INFINITY, gcTime: 600_000 };

/** What the kiosk understands of a file that is there. */
export function useInspected(upload: string | null, path: string, axes: string | null, on = true) {
  return useQuery({ ...asking(upload, path, axes), enabled: on && upload !== null });
}

/** What is understood of the first of `paths`, those that can be told already. */
export function useInspectedAll(
  upload: string | null,
  paths: string[],
  corrections: Corrections,
): Inspected[] {
  return useQueries({
    queries: paths.slice(0, AHEAD).map((path) => ({
      ...asking(upload, path, correctionOf(corrections, path)?.axes ?? null),
      enabled: upload !== null,
    })),
    combine: foundOf,
  });
}

/** Where the small picture of a file is. */
export function thumbnailOf(upload: string, path: string, axes: string | null): string {
  const query = new URLSearchParams({ path, size: "112", ...(axes ? { axes } : {}) });
  return `/api/v1/uploads/${upload}/thumbnail.png?${query}`;
}

function foundOf(results: { data?: Inspected }[]): Inspected[] {
  return results.flatMap((one) => one.data ?? []);
}

function asking(upload: string | null, path: string, axes: string | null) {
  return {
    ...FOREVER,
    queryKey: ["inspect", upload, path, axes],
    queryFn: () => lane(() => asked(upload ?? "", path, axes)),
  };
}

async function asked(upload: string, path: string, axes: string | null): Promise<Inspected> {
  try {
    return await data(
      api.GET("/api/v1/uploads/{upload}/inspect", {
        params: { path: { upload }, query: { path, axes } },
      }),
    );
  } catch (error) {
    const problem = asProblem(error);
    if (problem.status !== 422) throw error;
    // A file that cannot be looked into, or axes that can be none: told at the file.
    const fault = problem.message;
    return { path, kind: "other", members: null, images: [], error: { fault, advice: "" } };
  }
}
