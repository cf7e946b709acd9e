import { type Camera, COARSER, levelAt } from "../draw/geometry";
import type { Plane, Pyramid } from "../pixels/pyramid";
import { TILE } from "../pixels/pyramid";

/** The label at a place of the image, read from the kiosk where its tile is not here; 0 for none. */
export async function labelAt(
  pyramid: Pyramid,
  plane: Plane,
  camera: Camera,
  place: { x: number; y: number },
): Promise<number> {
  const { height, width } = pyramid.size(0);
  if (place.x < 0 || place.y < 0 || place.x >= width || place.y >= height) return 0;
  const here = pyramid.peek(plane, place.y, place.x);
  if (here !== undefined) return here;
  const level = levelAt(camera.zoom, pyramid.levels.length, COARSER);
  const size = TILE * 2 ** level;
  const x = Math.floor(place.x / size);
  const y = Math.floor(place.y / size);
  await pyramid.tile(plane, { level, x, y });
  return pyramid.peek(plane, place.y, place.x) ?? 0;
}
