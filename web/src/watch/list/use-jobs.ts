import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef } from "react";
import { useJobEvents } from "../../api/events";
import type { Job } from "../../api/queries";
import { type Chosen, jobsQuery, listed, suits } from "./listed";

/** Milliseconds between two looks where events do not tell, and that news of the list may wait. */
const LOOK = 5000;
const CALM = 1000;

/** The jobs that are chosen, as they are now: events tell of changes, and of jobs that come. */
export function useJobs(chosen: Chosen) {
  const cache = useQueryClient();
  const known = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const again = useCallback(() => {
    if (timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      void cache.invalidateQueries({ queryKey: ["jobs"] });
    }, CALM);
  }, [cache]);
  const seen = useCallback(
    (job: Job) => {
      if (suits(job, chosen) !== known.current.has(job.id)) again();
    },
    [chosen, again],
  );
  const line = useJobEvents(undefined, seen);
  const broken = line === "broken";
  const query = useInfiniteQuery({
    ...jobsQuery(chosen, cache),
    // What a job waits for changes without an event.
    refetchInterval: ({ state }) =>
      broken || listed(state.data).some((job) => job.waits) ? LOOK : false,
  });
  const jobs = useMemo(() => listed(query.data), [query.data]);
  useEffect(() => {
    known.current = new Set(jobs.map((job) => job.id));
  }, [jobs]);
  // What happened while the line was broken is not told afterwards.
  const before = useRef(line);
  useEffect(() => {
    if (before.current === "broken" && line === "open") again();
    before.current = line;
  }, [line, again]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return { ...query, jobs, broken };
}
