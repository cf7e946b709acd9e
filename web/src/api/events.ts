import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Job } from "./queries";

/** How the line to the kiosk is. */
export type Line = "opening" | "open" | "broken";

/** Milliseconds between two attempts at a stream that the kiosk has refused. */
const AGAIN = 3000;

/**
 * Follows the states of one job, or of all one's jobs, and puts each into the query cache under
 * `["job", id]`. The browser opens a broken stream again by itself and is told the newest state.
 */
export function useJobEvents(job?: string, seen?: (job: Job) => void): Line {
  const cache = useQueryClient();
  const [line, setLine] = useState<Line>("opening");
  useEffect(() => {
    let stream: EventSource;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    const open = () => {
      stream = new EventSource(job ? `/api/v1/jobs/${job}/events` : "/api/v1/events");
      stream.onopen = () => setLine("open");
      stream.addEventListener("job", (event) => {
        const state = JSON.parse(event.data) as Job;
        cache.setQueryData(["job", state.id], state);
        seen?.(state);
        ended = job !== undefined && isOver(state);
        if (ended) stream.close();
      });
      stream.onerror = () => {
        if (ended) return;
        setLine("broken");
        if (stream.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN);
      };
    };
    // A browser has six connections to a kiosk for all its windows: those unseen leave theirs.
    const shown = () => {
      if (document.hidden) {
        clearTimeout(timer);
        stream.close();
      } else if (!ended && stream.readyState === EventSource.CLOSED) {
        open();
      }
    };
    open();
    document.addEventListener("visibilitychange", shown);
    return () => {
      document.removeEventListener("visibilitychange", shown);
      clearTimeout(timer);
      stream.close();
    };
  }, [job, cache, seen]);
  return line;
}

/** Whether nothing more will be done of a job unless someone asks. */
export function isOver(job: Job): boolean {
  return ["done", "failed", "cancelled", "deleting"].includes(job.state);
}
