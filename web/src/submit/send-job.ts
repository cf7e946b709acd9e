import { useQueryClient } from "@tanstack/react-query";
import { useRef } from "react";
import { api, data, type Schema } from "../api/client";
import type { Job } from "../api/queries";

/** Submits a job. Sent again because its answer was lost, the same job is made once. */
export function useSendJob(): (body: Schema<"NewJob">) => Promise<Job> {
  const cache = useQueryClient();
  const last = useRef({ text: "", key: "" });
  return async (body) => {
    const text = JSON.stringify(body);
    if (last.current.text !== text) last.current = { text, key: newKey() };
    const job = await data(
      api.POST("/api/v1/jobs", {
        body,
        params: { header: { "idempotency-key": last.current.key } },
      }),
    );
    last.current = { text: "", key: "" };
    cache.setQueryData(["job", job.id], job);
    return job;
  };
}

function newKey(): string {
  const numbers = crypto.getRandomValues(new Uint32Array(4));
  return [...numbers].map((number) => number.toString(16)).join("-");
}
