import { type KeyboardEvent, useCallback } from "react";
import { withLabels } from "../display";
import { panned } from "../draw/geometry";
import type { LabelMode } from "../draw/paint";
import type { Pyramid } from "../pixels/pyramid";
import { type LookStore, useLookStore } from "../selection";
import { labelAt } from "./picking";
import { useView, type View } from "./view";

/** Share of the window that an arrow key moves. */
const STEP = 0.15;

/** Powers of two that a key zooms. */
const ZOOM = 0.5;

const NEXT: Record<LabelMode, LabelMode> = { outlines: "filled", filled: "off", off: "outlines" };

/** What each key does, as it is told to the user. */
export const KEYS: readonly { readonly keys: string; readonly what: string }[] = [
  { keys: "← ↑ → ↓", what: "Move the image" },
  { keys: "+ −", what: "Zoom" },
  { keys: "0", what: "Show all of the image" },
  { keys: "Enter", what: "Select the cell in the middle" },
  { keys: "Esc", what: "Select none" },
  { keys: "L", what: "Outlines, filled, no labels" },
  { keys: ", .", what: "Previous and next frame" },
  { keys: "Space", what: "Play or stop" },
  { keys: "Page ↑ ↓", what: "Up and down in a stack" },
];

type At = { readonly view: View; readonly look: LookStore; readonly labels: Pyramid | undefined };

const ACTS = new Map<string, (at: At) => void>([
  ["ArrowLeft", (at) => pan(at, -STEP, 0)],
  ["ArrowRight", (at) => pan(at, STEP, 0)],
  ["ArrowUp", (at) => pan(at, 0, -STEP)],
  ["ArrowDown", (at) => pan(at, 0, STEP)],
  ["+", ({ view }) => view.zoomBy(ZOOM)],
  ["=", ({ view }) => view.zoomBy(ZOOM)],
  ["-", ({ view }) => view.zoomBy(-ZOOM)],
  ["0", ({ view }) => view.fit()],
  ["Escape", ({ look }) => look.select([], { by: "image" })],
  ["Enter", (at) => void selectMiddle(at)],
  ["l", ({ view }) => view.change((one) => withLabels(one, { mode: NEXT[one.labels.mode] }))],
  [",", ({ look }) => look.setT(look.get().t - 1)],
  [".", ({ look }) => look.setT(look.get().t + 1)],
  [" ", ({ look }) => look.setPlaying(!look.get().playing && look.get().image.shape.t > 1)],
  ["PageUp", ({ look }) => look.setZ(look.get().z + 1)],
  ["PageDown", ({ look }) => look.setZ(look.get().z - 1)],
]);

/** The keys of the image, for the element that has the focus. */
export function useKeys(labels: () => Pyramid | undefined): (event: KeyboardEvent) => void {
  const view = useView();
  const look = useLookStore();
  return useCallback(
    (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const act = ACTS.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
      if (!act) return;
      act({ view, look, labels: labels() });
      event.preventDefault();
    },
    [view, look, labels],
  );
}

function pan({ view }: At, right: number, down: number): void {
  view.move(panned(view.camera.get(), view.window.get(), right, down));
}

async function selectMiddle({ view, look, labels }: At): Promise<void> {
  if (!labels) return;
  const { t, z } = look.get();
  const camera = view.camera.get();
  const label = await labelAt(labels, { t, c: 0, z }, camera, camera).catch(() => 0);
  look.select(label ? [label] : [], { by: "image" });
}
