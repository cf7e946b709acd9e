/** Which part of the image is seen: the pixel in the middle, and log2 of screen pixels a pixel. */
export type Camera = { readonly x: number; readonly y: number; readonly zoom: number };

export type Size = { readonly width: number; readonly height: number };

export type Box = {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
};

/** A pixel is at most this many (2 to the power of) pixels of the screen. */
export const CLOSEST = 6;

/** Share of the window that an image leaves free when all of it is shown. */
const MARGIN = 0.04;

/** All of an image in a window. */
export function fitted(image: Size, window: Size): Camera {
  const scale = Math.min(window.width / image.width, window.height / image.height);
  return {
    x: image.width / 2,
    y: image.height / 2,
    zoom: Math.min(Math.log2(Math.max(scale, 1e-9) * (1 - MARGIN)), CLOSEST),
  };
}

/** The least and greatest zoom that are of use. */
export function zoomRange(image: Size, window: Size): { min: number; max: number } {
  return { min: Math.min(fitted(image, window).zoom - 1, 0), max: CLOSEST };
}

/** The camera with some of the image in view, and neither too near nor too far. */
export function bounded(camera: Camera, image: Size, window: Size): Camera {
  const { min, max } = zoomRange(image, window);
  return {
    x: clamped(camera.x, 0, image.width),
    y: clamped(camera.y, 0, image.height),
    zoom: clamped(camera.zoom, min, max),
  };
}

/** What of the plane the window shows. */
export function seen(camera: Camera, window: Size): Box {
  const scale = 2 ** camera.zoom;
  const halfWidth = window.width / 2 / scale;
  const halfHeight = window.height / 2 / scale;
  return {
    x0: camera.x - halfWidth,
    y0: camera.y - halfHeight,
    x1: camera.x + halfWidth,
    y1: camera.y + halfHeight,
  };
}

/** The place in the image under a place of the window. */
export function imageAt(
  camera: Camera,
  window: Size,
  at: { x: number; y: number },
): { x: number; y: number } {
  const scale = 2 ** camera.zoom;
  return {
    x: camera.x + (at.x - window.width / 2) / scale,
    y: camera.y + (at.y - window.height / 2) / scale,
  };
}

/** Moves by shares of the window. */
export function panned(camera: Camera, window: Size, right: number, down: number): Camera {
  const scale = 2 ** camera.zoom;
  return {
    ...camera,
    x: camera.x + (right * window.width) / scale,
    y: camera.y + (down * window.height) / scale,
  };
}

/**
 * The camera that shows a place and `extent` pixels around it: as it is where the place is well in
 * view and large enough, else in the middle and no farther than before.
 */
export function revealed(
  camera: Camera,
  window: Size,
  place: { x: number; y: number },
  extent: number,
): Camera {
  const box = seen(camera, window);
  const insideX = (box.x1 - box.x0) * 0.1;
  const insideY = (box.y1 - box.y0) * 0.1;
  const inView =
    place.x > box.x0 + insideX &&
    place.x < box.x1 - insideX &&
    place.y > box.y0 + insideY &&
    place.y < box.y1 - insideY;
  const shown = extent * 2 ** camera.zoom;
  const smallest = 24;
  const largest = 0.8 * Math.min(window.width, window.height);
  if (inView && shown >= smallest && shown <= largest) return camera;
  const wanted = shown < smallest ? 96 : Math.min(shown, largest);
  return { x: place.x, y: place.y, zoom: Math.min(Math.log2(wanted / extent), CLOSEST) };
}

export function clamped(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

/** Levels that labels are drawn coarser than the image, for outlines drawn smaller have gaps. */
export const COARSER = 1;

/** The level of so many that is drawn at a zoom, `coarser` or not. */
export function levelAt(zoom: number, levels: number, coarser = 0): number {
  return clamped(coarser - Math.ceil(zoom), 0, levels - 1);
}
