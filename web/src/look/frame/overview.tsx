import { type PointerEvent, useEffect, useRef, useState } from "react";
import { rgbOf } from "../draw/colours";
import { clamped, seen } from "../draw/geometry";
import { composed } from "../draw/intensity";
import type { Pyramid, Tile } from "../pixels/pyramid";
import { useLookPart } from "../selection";
import { useCell } from "./cell";
import classes from "./over.module.css";
import { useView } from "./view";

/** Longest edge of the overview in pixels of the screen. */
const EDGE = 132;

/** The whole image, small, with what is seen of it; a press moves there. Hidden where all is. */
export function Overview(props: { pyramid: Pyramid | undefined }) {
  const view = useView();
  const camera = useCell(view.camera);
  const window = useCell(view.window);
  const { width, height } = view.image;
  const canvas = useOverview(props.pyramid);
  const box = seen(camera, window);
  const whole = box.x0 <= 0 && box.y0 <= 0 && box.x1 >= width && box.y1 >= height;
  const scale = EDGE / Math.max(width, height);
  const left = clamped(box.x0, 0, width) * scale;
  const top = clamped(box.y0, 0, height) * scale;
  const move = (event: PointerEvent<HTMLDivElement>) => {
    if (event.type === "pointermove" && event.buttons !== 1) return;
    const at = event.currentTarget.getBoundingClientRect();
    const x = (event.clientX - at.left) / scale;
    const y = (event.clientY - at.top) / scale;
    view.move({ ...view.camera.get(), x, y });
  };
  return (
    <div
      className={classes.overview}
      style={{ width: width * scale, height: height * scale, display: whole ? "none" : "block" }}
      onPointerDown={move}
      onPointerMove={move}
      aria-hidden="true"
    >
      <canvas ref={canvas} />
      <div
        className={classes.seen}
        style={{
          left,
          top,
          width: Math.max(clamped(box.x1, 0, width) * scale - left, 4),
          height: Math.max(clamped(box.y1, 0, height) * scale - top, 4),
        }}
      />
    </div>
  );
}

/** Keeps on a canvas the coarsest level of the plane that is looked at. */
function useOverview(pyramid: Pyramid | undefined) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const tiles = useCoarsest(pyramid);
  const { channels } = useCell(useView().display);
  useEffect(() => {
    const first = tiles.values().next().value;
    const context = canvas.current?.getContext("2d");
    if (!first || !context) return;
    const shown = channels.flatMap((one, c) => {
      const tile = tiles.get(c);
      return one.visible && tile ? [{ ...one, tile, colour: rgbOf(one.colour) }] : [];
    });
    const { width, height } = first;
    Object.assign(context.canvas, { width, height });
    context.putImageData(new ImageData(composed(shown, width, height), width, height), 0, 0);
  }, [tiles, channels]);
  return canvas;
}

/** The coarsest tile of each visible channel, by the number of the channel. */
export function useCoarsest(pyramid: Pyramid | undefined): ReadonlyMap<number, Tile> {
  const t = useLookPart((look) => look.t);
  const z = useLookPart((look) => look.z);
  const { channels } = useCell(useView().display);
  const visible = channels.flatMap((one, c) => (one.visible ? [c] : [])).join(",");
  const [tiles, setTiles] = useState<ReadonlyMap<number, Tile>>(new Map());
  useEffect(() => {
    if (!pyramid || !visible) return;
    const abort = new AbortController();
    const at = { level: pyramid.levels.length - 1, x: 0, y: 0 };
    const load = async (c: number) =>
      [c, await pyramid.tile({ t, c, z }, at, abort.signal)] as const;
    // A plane that cannot be read is told of by the image itself.
    Promise.all(visible.split(",").map((c) => load(Number(c)))).then(
      (found) => abort.signal.aborted || setTiles(new Map(found)),
      () => undefined,
    );
    return () => abort.abort();
  }, [pyramid, t, z, visible]);
  return tiles;
}
