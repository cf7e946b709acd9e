import type { Layer } from "@deck.gl/core";
import { TileLayer } from "@deck.gl/geo-layers";
import { BitmapLayer, PathLayer } from "@deck.gl/layers";
import { ColorPaletteExtension } from "@vivjs/extensions";
import { MultiscaleImageLayer } from "@vivjs/layers";
import type { ChannelDisplay } from "../display";
import type { Plane, Pyramid } from "../pixels/pyramid";
import { TILE } from "../pixels/pyramid";
import type { LevelSource } from "../pixels/source";
import { rgbOf } from "./colours";
import { COARSER } from "./geometry";
import type { LabelStyle } from "./paint";
import type { LabelTile, Painter } from "./painter";
import type { Tail } from "./tails";

/** Tiles that a layer asks for at the same time: more than a browser has lines to a server. */
const REQUESTS = 8;

const PALETTE = [new ColorPaletteExtension()];

/** The planes of the channels that are drawn, with how they are. */
export type Shown = { readonly planes: readonly Plane[]; readonly channels: ChannelDisplay[] };

/** The pixels of the image, channels added up. */
export function imageLayer(
  levels: readonly LevelSource[],
  shown: Shown,
  failed: (error: unknown) => void,
): Layer | null {
  if (shown.planes.length === 0) return null;
  return new MultiscaleImageLayer({
    id: "image",
    loader: levels,
    selections: shown.planes,
    contrastLimits: shown.channels.map((one) => [one.low, one.high]),
    colors: shown.channels.map((one) => rgbOf(one.colour)),
    channelsVisible: shown.channels.map(() => true),
    extensions: PALETTE,
    maxRequests: REQUESTS,
    pickable: false,
    onTileError: failed,
  } as never) as Layer;
}

const SHARP = { minFilter: "nearest", magFilter: "nearest", mipmapFilter: "none" } as const;

/** The labels in a style, as the painter paints them; `painted` counts how often it has. */
export function labelLayer(
  pyramid: Pyramid,
  plane: Plane,
  painter: Painter,
  painted: number,
  style: LabelStyle,
  failed: (error: unknown) => void,
): Layer {
  const { height, width } = pyramid.size(0);
  return new TileLayer<LabelTile>({
    id: "labels",
    tileSize: TILE,
    minZoom: 1 - pyramid.levels.length,
    maxZoom: 0,
    zoomOffset: -COARSER,
    extent: [0, 0, width, height],
    maxRequests: REQUESTS,
    refinementStrategy: "no-overlap",
    updateTriggers: { getTileData: [pyramid, plane], renderSubLayers: [painted, style] },
    onTileError: failed,
    getTileData: async ({ index: { x, y, z }, signal }) =>
      painter.first(await pyramid.tile(plane, { level: -z, x, y }, signal)),
    renderSubLayers: ({ id, data, tile }) => {
      if (!data) return null;
      const { x, y, z } = tile.index;
      const scale = 2 ** -z;
      const left = x * TILE * scale;
      const top = y * TILE * scale;
      return new BitmapLayer({
        id,
        image: painter.picture(data),
        bounds: [left, top + data.tile.height * scale, left + data.tile.width * scale, top],
        textureParameters: SHARP,
      });
    },
  });
}

/** The ways of cells up to now, older parts fainter. */
export function trackLayer(tails: readonly Tail[]): Layer {
  return new PathLayer<Tail>({
    id: "tracks",
    data: tails,
    getPath: (tail) => tail.path,
    getColor: (tail) => tail.colours,
    getWidth: (tail) => tail.width,
    widthUnits: "pixels",
    jointRounded: true,
    capRounded: true,
  });
}
