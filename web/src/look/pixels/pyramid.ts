import type { Array as ZarrArray } from "zarrita";
import { open, root } from "zarrita";
import { ChunkCache } from "./chunk-cache";
import type { KioskStore } from "./store";

/** Rows and columns of a chunk. */
export const TILE = 512;

/** A plane of an image. */
export type Plane = { readonly t: number; readonly c: number; readonly z: number };

/** Numbers of pixels as the kiosk sends them. */
export type Pixels = Uint8Array | Uint16Array | Uint32Array | Float32Array;

/** A rectangle of a plane: `data` in rows. */
export type Tile = { readonly data: Pixels; readonly width: number; readonly height: number };

/** Where a tile is: the level (0 is full size), and its column and row among the tiles. */
export type TileIndex = { readonly level: number; readonly x: number; readonly y: number };

/** The levels of an OME-Zarr, tile by tile, with the latest of them kept. */
export class Pyramid {
  readonly levels: readonly ZarrArray<"uint8", KioskStore>[];
  private readonly cache: ChunkCache<Tile>;

  constructor(levels: readonly ZarrArray<"uint8", KioskStore>[], bytes: number) {
    this.levels = levels;
    this.cache = new ChunkCache(bytes, (tile) => tile.data.byteLength);
  }

  /** Opens `count` levels; throws a `Problem` where the kiosk refuses. */
  static async open(store: KioskStore, count: number, bytes: number): Promise<Pyramid> {
    const whole = root(store);
    const paths = Array.from({ length: count }, (_, level) => String(level));
    const levels = await Promise.all(
      paths.map((path) => open.v2(whole.resolve(path), { kind: "array", attrs: false })),
    );
    return new Pyramid(levels as ZarrArray<"uint8", KioskStore>[], bytes);
  }

  get dtype(): string {
    return this.levels[0]?.dtype ?? "uint8";
  }

  /** Rows and columns of a level. */
  size(level: number): { height: number; width: number } {
    const [height = 0, width = 0] = this.levels[level]?.shape.slice(-2) ?? [];
    return { height, width };
  }

  tile(plane: Plane, at: TileIndex, signal?: AbortSignal): Promise<Tile> {
    const load = (wanted: AbortSignal) => this.load(plane, at, wanted);
    return this.cache.get(keyOf(plane, at), load, signal);
  }

  /** The number at a pixel of the full image, from the finest tile that is here. */
  peek(plane: Plane, y: number, x: number): number | undefined {
    for (let level = 0; level < this.levels.length; level += 1) {
      const { height, width } = this.size(level);
      const row = Math.min(Math.floor(y / 2 ** level), height - 1);
      const column = Math.min(Math.floor(x / 2 ** level), width - 1);
      const at = { level, x: Math.floor(column / TILE), y: Math.floor(row / TILE) };
      const tile = this.cache.peek(keyOf(plane, at));
      if (tile) return tile.data[(row % TILE) * tile.width + (column % TILE)];
    }
    return undefined;
  }

  private async load(plane: Plane, at: TileIndex, signal: AbortSignal): Promise<Tile> {
    const array = this.levels[at.level];
    if (!array) throw new RangeError(`there is no level ${at.level}`);
    const chunk = await array.getChunk([plane.t, plane.c, plane.z, at.y, at.x], { signal });
    const { height, width } = this.size(at.level);
    const rows = Math.min(TILE, height - at.y * TILE);
    const columns = Math.min(TILE, width - at.x * TILE);
    return cropped(chunk.data as Pixels, chunk.shape.at(-1) ?? TILE, rows, columns);
  }
}

/** The part of a chunk that lies in the image: chunks are all of one size. */
export function cropped(data: Pixels, stride: number, height: number, width: number): Tile {
  if (width === stride) return { data: data.subarray(0, height * width), width, height };
  const part = data.slice(0, height * width);
  for (let row = 0; row < height; row += 1) {
    part.set(data.subarray(row * stride, row * stride + width), row * width);
  }
  return { data: part, width, height };
}

function keyOf(plane: Plane, at: TileIndex): string {
  return `${at.level}/${plane.t}/${plane.c}/${plane.z}/${at.y}/${at.x}`;
}
