import type { Pixels, Tile } from "../pixels/pyramid";
import type { Rgb } from "./colours";

/** How often intensities between `min` and `max` occur, in bins of equal width. */
export type Histogram = {
  readonly min: number;
  readonly max: number;
  readonly bins: readonly number[];
};

export function histogram(data: Pixels, min: number, max: number, count = 64): Histogram {
  const bins = new Array<number>(count).fill(0);
  const scale = max > min ? count / (max - min) : 0;
  for (const value of data) {
    if (!Number.isFinite(value)) continue;
    const bin = Math.min(Math.max(Math.floor((value - min) * scale), 0), count - 1);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return { min, max, bins };
}

/** The values that the shares `low` and `high` of all finite ones are below; 0 where are none. */
export function percentiles(data: Pixels, low: number, high: number): [number, number] {
  const sorted = data.filter(Number.isFinite).sort();
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return [at(low), at(high)];
}

/** Contrast as first drawn: 1 of 100 black, 2 of 1000 full. */
export function automatic(data: Pixels): [number, number] {
  const [low, high] = percentiles(data, 0.01, 0.998);
  return high > low ? [low, high] : [low, low + 1];
}

/** Channels added up as they are on the screen: a small picture of RGBA. */
export function composed(
  channels: readonly { tile: Tile; colour: Rgb; low: number; high: number }[],
  width: number,
  height: number,
): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (const { tile, colour, low, high } of channels) {
    const scale = 1 / Math.max(high - low, 1e-6);
    for (let at = 0, to = 0; at < tile.data.length; at += 1, to += 4) {
      const share = Math.min(Math.max(((tile.data[at] as number) - low) * scale, 0), 1);
      pixels[to] = (pixels[to] as number) + share * colour[0];
      pixels[to + 1] = (pixels[to + 1] as number) + share * colour[1];
      pixels[to + 2] = (pixels[to + 2] as number) + share * colour[2];
    }
  }
  for (let at = 3; at < pixels.length; at += 4) pixels[at] = 255;
  return pixels;
}
