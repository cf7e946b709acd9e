/** Numbers of many cells in short: how often they occur, and where the middle of them is. */

/** How often values from `low` to before `high` occur; the last bin has its `high` too. */
export type Bin = { readonly low: number; readonly high: number; readonly count: number };

/** What a sorted column looks like in a sentence. */
export type Summary = {
  readonly count: number;
  readonly min: number;
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
  readonly max: number;
};

/** The edges of at most `most` bins for these values, equally wide, or in their logarithm. */
export function edgesOf(values: ArrayLike<number>, log: boolean, most = 60): number[] {
  const kept = sorted(log ? Array.from(values).filter((one) => one > 0) : values);
  const first = kept[0];
  const last = kept.at(-1);
  if (first === undefined || last === undefined) return [];
  if (first === last) return log ? [first / 1.1, first * 1.1] : [first - 0.5, first + 0.5];
  const scaled = log ? kept.map(Math.log) : kept;
  const begin = log ? Math.log(first) : first;
  const end = log ? Math.log(last) : last;
  // Freedman and Diaconis, Z. Wahrscheinlichkeitstheorie 57 (1981): widths of 2 IQR / n^(1/3).
  const spread = quantile(scaled, 0.75) - quantile(scaled, 0.25);
  const width = (2 * spread) / Math.cbrt(scaled.length);
  let bins = clamp(width > 0 ? Math.ceil((end - begin) / width) : most, 5, most);
  if (!log && kept.every(Number.isInteger)) bins = Math.min(bins, end - begin + 1);
  const edges = Array.from({ length: bins + 1 }, (_, i) => begin + ((end - begin) * i) / bins);
  return log ? edges.map(Math.exp).with(0, first).with(bins, last) : edges;
}

/** How many of `values` are in each bin; those outside of all are left out. */
export function histogram(values: ArrayLike<number>, edges: readonly number[]): Bin[] {
  const counts = new Array<number>(Math.max(edges.length - 1, 0)).fill(0);
  const first = edges[0] ?? 0;
  const last = edges.at(-1) ?? 0;
  for (const value of Array.from(values)) {
    if (!(value >= first && value <= last)) continue;
    const bin = Math.min(above(edges, value) - 1, counts.length - 1);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts.map((count, i) => ({ low: edges[i] ?? 0, high: edges[i + 1] ?? 0, count }));
}

/** Quartiles and ends of `values`; null of none. NaN is no value. */
export function summaryOf(values: ArrayLike<number>): Summary | null {
  const kept = sorted(values);
  if (kept.length === 0) return null;
  const at = (share: number) => quantile(kept, share);
  return {
    count: kept.length,
    min: at(0),
    lower: at(0.25),
    median: at(0.5),
    upper: at(0.75),
    max: at(1),
  };
}

/** The value below which `share` of sorted values are, between two of them if need be. */
export function quantile(values: readonly number[], share: number): number {
  const place = (values.length - 1) * share;
  const below = values[Math.floor(place)] ?? Number.NaN;
  const beyond = values[Math.ceil(place)] ?? below;
  return below + (beyond - below) * (place - Math.floor(place));
}

/** The values in order, without those that are not known. */
export function sorted(values: ArrayLike<number>): number[] {
  return Array.from(Float64Array.from(values).filter(Number.isFinite).sort());
}

/** The number of edges that are not above `value`. */
function above(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((edges[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
