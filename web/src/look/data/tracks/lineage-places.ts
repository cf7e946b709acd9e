/** Where frames and lanes are on the lineage tree, in pixels. */

/** Height of a lane. */
export const LANE = 22;

/** Width of what is left of the first frame: the numbers of tracks. */
export const GUTTER = 58;

/** What is left free on the right. */
const MARGIN = 14;

export type Scale = { readonly frames: number; readonly width: number };

/** The middle of a frame. */
export function placeOf(frame: number, scale: Scale): number {
  return GUTTER + (frame + 0.5) * step(scale);
}

/** The frame that is drawn at `x`. */
export function frameAt(x: number, scale: Scale): number {
  const frame = Math.floor((x - GUTTER) / step(scale));
  return Math.min(Math.max(frame, 0), scale.frames - 1);
}

function step(scale: Scale): number {
  return Math.max(scale.width - GUTTER - MARGIN, 1) / scale.frames;
}
