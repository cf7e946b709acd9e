import type { Tile } from "../pixels/pyramid";
import { type LabelStyle, paint } from "./paint";

/** Milliseconds of a frame that painting may take: the rest is for moving. */
const SLICE = 8;

/** A tile of labels, and the picture that was last made of it. */
export type LabelTile = {
  readonly tile: Tile;
  picture: ImageData;
  style: LabelStyle;
};

/** Keeps the pictures of tiles in the style wanted; many tiles are painted a few in each frame. */
export class Painter {
  private style: LabelStyle;
  private readonly waiting = new Set<LabelTile>();
  private readonly painted: () => void;
  private frame = 0;

  constructor(style: LabelStyle, painted: () => void) {
    this.style = style;
    this.painted = painted;
  }

  setStyle(style: LabelStyle): void {
    this.style = style;
  }

  first(tile: Tile): LabelTile {
    return { tile, picture: drawn(tile, this.style), style: this.style };
  }

  /** The picture as it is now; one of an older style is painted anew before long. */
  picture(label: LabelTile): ImageData {
    if (label.style !== this.style) {
      this.waiting.add(label);
      this.frame ||= requestAnimationFrame(this.work);
    }
    return label.picture;
  }

  end(): void {
    cancelAnimationFrame(this.frame);
    this.waiting.clear();
  }

  private readonly work = (): void => {
    this.frame = 0;
    const until = performance.now() + SLICE;
    for (const label of this.waiting) {
      label.picture = drawn(label.tile, this.style);
      label.style = this.style;
      this.waiting.delete(label);
      if (performance.now() > until) break;
    }
    if (this.waiting.size > 0) this.frame = requestAnimationFrame(this.work);
    this.painted();
  };
}

function drawn(tile: Tile, style: LabelStyle): ImageData {
  const picture = new ImageData(tile.width, tile.height);
  const pixels = new Uint32Array(picture.data.buffer);
  paint(tile.data, tile.width, tile.height, style, pixels);
  return picture;
}
