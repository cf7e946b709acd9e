import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { api, data, type Schema } from "../../api/client";
import { pagesOf } from "./grid/window";
import type { Value } from "./table/csv";

/** The image whose cells are asked for. */
export type Where = { readonly job: string; readonly index: number; readonly imageNumber: number };

/** Values from `low` to `high`, both among them. */
export type Range = { readonly column: string; readonly low: number; readonly high: number };

/** Which rows: of one plane, of some cells, with values in all of some ranges. */
export type Filter = {
  readonly t?: number;
  readonly z?: number;
  readonly labels?: readonly number[];
  readonly ranges?: readonly Range[];
};

export type Order = { readonly column: string; readonly descending: boolean };

/** Columns of equal length by name. */
export type Columns = Readonly<Record<string, readonly Value[]>>;

type Answer = Schema<"MeasurementsAnswer">;

/** Rows that one question may have as its answer. */
const MOST = 50_000;

/** Rows on a page of the table. */
const PAGE = 200;

/** Cells that charts are drawn of at most; of more these are a sample. */
export const SAMPLE = 20_000;

/** Rows `after` those before them, in an order; or `sample` rows evenly of all. */
async function ask(
  where: Where,
  columns: readonly string[],
  filter: Filter,
  more: { order?: Order; after?: number; limit?: number; sample?: number; find?: Found },
  signal?: AbortSignal,
): Promise<Answer> {
  const { order, find, ...rest } = more;
  return data(
    api.GET("/api/v1/jobs/{job_id}/items/{index}/measurements", {
      params: {
        path: { job_id: where.job, index: where.index },
        query: {
          image: where.imageNumber,
          columns: columns.join(","),
          t: filter.t,
          z: filter.z,
          label: filter.labels && [...filter.labels],
          within: filter.ranges?.map((one) => `${one.low}:${one.high}:${one.column}`),
          sort: order?.column,
          descending: order?.descending,
          find: find?.label,
          find_t: find?.t,
          find_z: find?.z,
          ...rest,
        },
      },
      signal,
    }),
  );
}

/** A cell of one plane. */
export type Found = { readonly label: number; readonly t?: number; readonly z?: number };

/** The rows from `first` to before `end` of a table, as far as they are here. */
export function useRows(
  where: Where,
  columns: readonly string[],
  filter: Filter,
  order: Order,
  first: number,
  end: number,
) {
  const pages = pagesOf(first, Math.max(end, first + 1), PAGE);
  const found = useQueries({
    queries: pages.map((page) => ({
      queryKey: ["measurements", where, columns, filter, order, page],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        ask(where, columns, filter, { order, after: page * PAGE, limit: PAGE }, signal),
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 60_000,
      placeholderData: page === 0 ? keepPreviousData : undefined,
    })),
  });
  const failed = found.find((one) => one.isError);
  return {
    /** All there are; undefined until the first answer. */
    rows: found.find((one) => one.data)?.data?.rows,
    value: (row: number, column: string): Value | undefined => {
      const page = found[pages.indexOf(Math.floor(row / PAGE))];
      return page?.data?.columns[column]?.[row % PAGE];
    },
    error: failed?.error,
    retry: () => void failed?.refetch(),
  };
}

/** The number of the row that a cell has in a table; null where it has none. */
export async function placeOf(
  where: Where,
  filter: Filter,
  order: Order,
  find: Found,
): Promise<number | null> {
  return (await ask(where, ["label"], filter, { order, find, limit: 1 })).place;
}

/** Columns of one cell: of one row, or none. */
export async function rowOf(
  where: Where,
  columns: readonly string[],
  { label, t, z }: Found,
): Promise<Columns> {
  return (await ask(where, columns, { labels: [label], t, z }, { limit: 1 })).columns;
}

/** Columns of all cells, or evenly of some where there are more than `SAMPLE`. */
export function useSample(
  where: Where,
  columns: readonly string[],
  filter: Filter,
  enabled = true,
) {
  return useQuery({
    enabled,
    queryKey: ["measurements", where, columns, filter, "sample"],
    queryFn: ({ signal }) => ask(where, columns, filter, { sample: SAMPLE }, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    placeholderData: keepPreviousData,
  });
}

/** Columns of all rows, page after page; `each` is told each page and the share that is done. */
export async function eachPage(
  where: Where,
  columns: readonly string[],
  filter: Filter,
  each: (page: Columns, done: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  for (let after: number | null = 0; after !== null; ) {
    const page: Answer = await ask(where, columns, filter, { after, limit: MOST }, signal);
    each(page.columns, page.next === null ? 1 : page.next / Math.max(page.rows, 1));
    after = page.next;
  }
}

/** The numbers of a column; NaN for what is not known. */
export function numbers(values: readonly Value[] | undefined): Float64Array {
  return Float64Array.from(values ?? [], (one) => (typeof one === "number" ? one : Number.NaN));
}
