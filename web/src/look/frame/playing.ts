import { useEffect } from "react";
import { COARSER, levelAt, seen } from "../draw/geometry";
import type { usePyramids } from "../pixels/opening";
import { type Plane, type Pyramid, TILE } from "../pixels/pyramid";
import { useLookPart, useLookStore } from "../selection";
import { useView, type View } from "./view";

/** Milliseconds between two frames at least. */
const PACE = 200;

/** Goes through the frames of a movie: each when it is here, and the pace allows. */
export function usePlaying(pixels: ReturnType<typeof usePyramids>): void {
  const view = useView();
  const look = useLookStore();
  const playing = useLookPart((state) => state.playing);
  const { image, labels } = pixels;
  useEffect(() => {
    if (!playing) return;
    const ended = new AbortController();
    const play = async () => {
      while (!ended.signal.aborted) {
        const { t, z, image: facts } = look.get();
        const next = (t + 1) % facts.shape.t;
        const { channels, labels: drawn } = view.display.get();
        const planes = channels.flatMap((one, c) => (one.visible ? [{ t: next, c, z }] : []));
        const wanted = [
          ...(image ? planes.map((plane) => fetched(view, image, plane, 0, ended.signal)) : []),
          ...(labels && drawn.mode !== "off"
            ? [fetched(view, labels, { t: next, c: 0, z }, COARSER, ended.signal)]
            : []),
        ];
        await Promise.allSettled([paced(), ...wanted]);
        if (!ended.signal.aborted) look.setT(next);
      }
    };
    void play();
    return () => ended.abort();
  }, [playing, image, labels, view, look]);
}

/** The tiles of a plane that are in view are asked for before they are drawn. */
async function fetched(
  view: View,
  pyramid: Pyramid,
  plane: Plane,
  coarser: number,
  signal: AbortSignal,
): Promise<void> {
  const camera = view.camera.get();
  const level = levelAt(camera.zoom, pyramid.levels.length, coarser);
  const size = TILE * 2 ** level;
  const box = seen(camera, view.window.get());
  const rows = range(box.y0, Math.min(box.y1, view.image.height), size);
  const columns = range(box.x0, Math.min(box.x1, view.image.width), size);
  const wanted = rows.flatMap((y) =>
    columns.map((x) => pyramid.tile(plane, { level, x, y }, signal)),
  );
  await Promise.all(wanted);
}

/** The numbers of the tiles between two places. */
function range(from: number, to: number, size: number): number[] {
  const first = Math.max(Math.floor(from / size), 0);
  const end = Math.ceil(to / size);
  return Array.from({ length: Math.max(end - first, 0) }, (_, at) => first + at);
}

function paced(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PACE));
}
