import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, data } from "../api/client";
import type { Draft } from "./draft";
import { changed, faultOf, fieldsOf, initialOf } from "./schema-form";

/** The pipeline that was chosen, its form, and what was put into that. */
export function usePipeline(draft: Draft) {
  const name = draft.pipeline;
  const found = useQuery({
    queryKey: ["pipeline", name],
    queryFn: () => data(api.GET("/api/v1/pipelines/{name}", { params: { path: { name } } })),
    staleTime: 60_000,
  });
  const given = draft.options[name];
  const form = useMemo(() => {
    const fields = fieldsOf(found.data?.options);
    const values = { ...initialOf(fields), ...given };
    const wrong = fields.some((field) => faultOf(field, values[field.name] ?? null) !== "");
    return { fields, values, wrong, options: changed(fields, values) };
  }, [found.data, given]);
  return { ...form, found };
}
