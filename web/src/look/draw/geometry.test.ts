import { expect, it } from "vitest";
import { bounded, fitted, imageAt, levelAt, panned, revealed, seen } from "./geometry";

const WINDOW = { width: 800, height: 600 };
const SLIDE = { width: 40_000, height: 40_000 };

it("shows all of an image, whatever its shape", () => {
  const box = seen(fitted(SLIDE, WINDOW), WINDOW);
  expect(box.x0).toBeLessThan(0);
  expect(box.y0).toBeLessThan(0);
  expect(box.y1).toBeGreaterThan(40_000);
  expect(box.y1).toBeLessThan(43_000);
});

it("finds the place under the pointer", () => {
  const camera = { x: 100, y: 50, zoom: 1 };
  expect(imageAt(camera, WINDOW, { x: 400, y: 300 })).toEqual({ x: 100, y: 50 });
  expect(imageAt(camera, WINDOW, { x: 402, y: 296 })).toEqual({ x: 101, y: 48 });
});

it("moves by shares of what is seen, and keeps the image in view", () => {
  expect(panned({ x: 0, y: 0, zoom: 1 }, WINDOW, 0.5, 0)).toMatchObject({ x: 200 });
  expect(bounded({ x: -9, y: 50_000, zoom: 40 }, SLIDE, WINDOW)).toEqual({
    x: 0,
    y: 40_000,
    zoom: 6,
  });
});

it("moves to a cell only where it is out of view or too small to see", () => {
  const near = { x: 1000, y: 1000, zoom: 0 };
  expect(revealed(near, WINDOW, { x: 1100, y: 1000 }, 40)).toBe(near);
  expect(revealed(near, WINDOW, { x: 9000, y: 1000 }, 40)).toEqual({ x: 9000, y: 1000, zoom: 0 });
  const far = fitted(SLIDE, WINDOW);
  const shown = revealed(far, WINDOW, { x: 20_000, y: 20_000 }, 40);
  expect(40 * 2 ** shown.zoom).toBeCloseTo(96);
});

it("draws a level that is as fine as the screen, labels one coarser", () => {
  expect([2, 0, -0.5, -1, -1.2, -9].map((zoom) => levelAt(zoom, 4))).toEqual([0, 0, 0, 1, 1, 3]);
  expect([2, 0, -0.5].map((zoom) => levelAt(zoom, 4, 1))).toEqual([0, 1, 1]);
});
