import { useEffect, useRef, useState } from "react";
import { imageAt } from "../draw/geometry";
import { Stage } from "../draw/stage";
import { useLayers } from "../draw/use-layers";
import type { usePyramids } from "../pixels/opening";
import { useLookStore } from "../selection";
import classes from "./canvas.module.css";
import { useKeys } from "./keys";
import { labelAt } from "./picking";
import { useReveal } from "./reveal";
import { useView } from "./view";

/** The image with its labels: moved by pointer, fingers and keys; a click selects a cell. */
export function Canvas(props: {
  pixels: ReturnType<typeof usePyramids>;
  staged: (stage: Stage | null) => void;
}) {
  const { pixels, staged } = props;
  const view = useView();
  const look = useLookStore();
  const parent = useRef<HTMLDivElement>(null);
  const [stage, setStage] = useState<Stage | null>(null);
  const labels = useRef(pixels.labels);
  labels.current = pixels.labels;

  useEffect(() => {
    if (!parent.current) return;
    const clicked = async (at: { x: number; y: number; adding: boolean }) => {
      if (!labels.current) return;
      const { t, z } = look.get();
      const camera = view.camera.get();
      const place = imageAt(camera, view.window.get(), at);
      const label = await labelAt(labels.current, { t, c: 0, z }, camera, place).catch(() => 0);
      look.select(chosen(look.get().selected, label, at.adding), { by: "image" });
    };
    const made = new Stage(parent.current, view, {
      clicked: (click) => void clicked(click),
      failed: view.failure.set,
    });
    setStage(made);
    staged(made);
    return () => {
      staged(null);
      setStage(null);
      made.end();
    };
  }, [view, look, staged]);

  useLayers(stage, pixels);
  useReveal();
  const keys = useKeys(() => labels.current);
  return (
    <div
      className={classes.canvas}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the image is moved and picked from by keys
      tabIndex={0}
      role="application"
      aria-label="Image. Arrow keys move it, plus and minus zoom, 0 shows all of it, Enter selects the cell in the middle."
      onKeyDown={keys}
    >
      <div ref={parent} className={classes.stage} />
      <span className={classes.middle} aria-hidden="true" />
    </div>
  );
}

/** What is selected after a click on `label`; on nothing, nothing. */
function chosen(
  selected: ReadonlySet<number>,
  label: number,
  adding: boolean,
): ReadonlySet<number> {
  if (!adding) return new Set(label ? [label] : []);
  const next = new Set(selected);
  if (label && !next.delete(label)) next.add(label);
  return next;
}
