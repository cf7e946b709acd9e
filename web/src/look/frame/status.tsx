import { useEffect } from "react";
import { count, measured } from "../../ui/words";
import { imageAt } from "../draw/geometry";
import type { usePyramids } from "../pixels/opening";
import { useLookPart, useLookStore } from "../selection";
import { useCell } from "./cell";
import classes from "./frame.module.css";
import { useView } from "./view";

/** What is under the pointer: place, values, and which cell; else what is selected. */
export function Status(props: { pixels: ReturnType<typeof usePyramids> }) {
  const view = useView();
  const look = useLookStore();
  const under = useUnder(props.pixels);
  const selected = useLookPart((state) => state.selected);
  const hovered = under?.label ?? 0;
  useEffect(() => look.setHovered(hovered), [look, hovered]);
  const camera = useCell(view.camera);
  return (
    <div className={classes.status}>
      <output aria-live="polite">{told(selected)}</output>
      <span className={classes.under}>
        {under && (
          <>
            <span>
              x {count(under.x)}, y {count(under.y)}
            </span>
            {under.values && <span>{under.values}</span>}
            <span>{under.label ? `Cell ${under.label}` : "No cell"}</span>
          </>
        )}
      </span>
      <span>{measured(100 * 2 ** camera.zoom)} %</span>
    </div>
  );
}

function useUnder(pixels: ReturnType<typeof usePyramids>) {
  const view = useView();
  const pointer = useCell(view.pointer);
  const camera = useCell(view.camera);
  const { channels } = useCell(view.display);
  const t = useLookPart((look) => look.t);
  const z = useLookPart((look) => look.z);
  const facts = useLookPart((look) => look.image.channels);
  if (!pointer) return null;
  const place = imageAt(camera, view.window.get(), pointer);
  const x = Math.floor(place.x);
  const y = Math.floor(place.y);
  const { width, height } = view.image;
  if (x < 0 || y < 0 || x >= width || y >= height) return null;
  const label = pixels.labels?.peek({ t, c: 0, z }, y, x) ?? 0;
  const values = channels.flatMap((one, c) => {
    const value = one.visible ? pixels.image?.peek({ t, c, z }, y, x) : undefined;
    if (value === undefined) return [];
    return [
      channels.length > 1 ? `${facts[c]?.name} ${measured(value)}` : `value ${measured(value)}`,
    ];
  });
  return { x, y, label, values: values.join(", ") };
}

function told(selected: ReadonlySet<number>): string {
  const [first] = selected;
  if (first === undefined) return "";
  return selected.size === 1 ? `Cell ${first} selected` : `${count(selected.size)} cells selected`;
}
