import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import type { ColumnFacts } from "../../facts";
import { useLookPart, useLookStore } from "../../selection";
import { eachPage, type Filter, numbers, useSample, type Where } from "../measurements";
import { quantile, sorted } from "./bins";

/** Shares of all cells that have the first and last colour of the map, with all beyond them. */
const ENDS = [0.01, 0.99] as const;

/**
 * Colours the cells of the image by a column, in each plane with the same colours. Returns what is
 * wrong where the values cannot be read.
 */
export function useColouring(
  where: Where,
  column: ColumnFacts | undefined,
  several: boolean,
): unknown {
  const store = useLookStore();
  const t = useLookPart((look) => look.t);
  const z = useLookPart((look) => look.z);
  const plane: Filter = several ? { t, z } : {};
  const values = useQuery({
    queryKey: ["measurements", where, column?.name, plane, "values"],
    queryFn: ({ signal }) => valuesOf(where, column?.name ?? "", plane, signal),
    enabled: column !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    placeholderData: keepPreviousData,
  });
  const sample = useSample(where, column ? [column.name] : [], {}, column !== undefined);
  const found = values.data;
  const all = sample.data;
  useEffect(() => {
    if (!column) return store.setColouring(null);
    // Another column's values are shown on until those that were asked for are here.
    const drawn = all?.columns[column.name];
    if (!drawn || found?.column !== column.name) return;
    const [min, max] = ENDS.map((end) => quantile(sorted(numbers(drawn)), end));
    store.setColouring({
      column: column.name,
      unit: column.unit,
      values: found.values,
      min: min ?? Number.NaN,
      max: max ?? Number.NaN,
    });
  }, [store, column, found, all]);
  return values.error ?? sample.error;
}

async function valuesOf(where: Where, column: string, plane: Filter, signal: AbortSignal) {
  const values = new Map<number, number>();
  await eachPage(
    where,
    ["label", column],
    plane,
    (page) => {
      for (const [row, label] of (page.label ?? []).entries()) {
        const value = page[column]?.[row];
        if (typeof label === "number" && typeof value === "number") values.set(label, value);
      }
    },
    signal,
  );
  return { column, values };
}
