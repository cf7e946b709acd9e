import type { Plane, Pyramid, Tile } from "./pyramid";
import { TILE } from "./pyramid";
import { SIGNAL_ABORTED } from "./viv-loaders";

/** What Viv calls the types of numbers. */
const NAMES: Record<string, string> = {
  uint8: "Uint8",
  uint16: "Uint16",
  uint32: "Uint32",
  float32: "Float32",
};

/** A level of a pyramid as Viv's layers read it. */
export class LevelSource {
  readonly tileSize = TILE;
  readonly labels = ["t", "c", "z", "y", "x"];
  readonly shape: number[];
  readonly dtype: string;
  private readonly pyramid: Pyramid;
  private readonly level: number;

  constructor(pyramid: Pyramid, level: number) {
    const { height, width } = pyramid.size(level);
    this.shape = [1, 1, 1, height, width];
    this.dtype = NAMES[pyramid.dtype] ?? "Float32";
    this.pyramid = pyramid;
    this.level = level;
  }

  getTile(wanted: { x: number; y: number; selection: Plane; signal?: AbortSignal }): Promise<Tile> {
    const { x, y, selection, signal } = wanted;
    return this.pyramid.tile(selection, { level: this.level, x, y }, signal);
  }

  /** The whole of a level that is one tile; what is wrong with it the tiles above it tell. */
  async getRaster(wanted: { selection: Plane; signal?: AbortSignal }): Promise<Tile> {
    try {
      return await this.getTile({ ...wanted, x: 0, y: 0 });
    } catch {
      throw SIGNAL_ABORTED;
    }
  }

  onTileError(): void {}
}
