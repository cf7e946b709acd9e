import { createContext, useContext } from "react";
import { channelsAtFirst, type Display, LABELS_AT_FIRST, type LabelDisplay } from "../display";
import type { Camera, Size } from "../draw/geometry";
import { bounded, fitted } from "../draw/geometry";
import type { ImageFacts } from "../facts";
import { Cell } from "./cell";

/** Labels are drawn in the next image as they were in the last. */
let remembered: LabelDisplay = LABELS_AT_FIRST;

/** How an image is looked at: from where, under which pointer, drawn in which way. */
export class View {
  readonly image: Size;
  readonly window = new Cell<Size>({ width: 1, height: 1 });
  readonly camera: Cell<Camera>;
  /** Place of the pointer in the window; null where it is elsewhere. */
  readonly pointer = new Cell<{ x: number; y: number } | null>(null);
  readonly display: Cell<Display>;
  /** Why some of the image cannot be drawn. */
  readonly failure = new Cell<unknown>(null);
  private fits = true;
  private readonly facts: ImageFacts;

  constructor(facts: ImageFacts) {
    this.facts = facts;
    this.image = { width: facts.shape.x, height: facts.shape.y };
    this.camera = new Cell(fitted(this.image, this.window.get()));
    this.display = new Cell<Display>({ channels: channelsAtFirst(facts), labels: remembered });
    this.display.subscribe(() => {
      remembered = this.display.get().labels;
    });
  }

  /** Moves the camera, as far as there is something to see. */
  readonly move = (camera: Camera): void => {
    this.fits = false;
    this.camera.set(bounded(camera, this.image, this.window.get()));
  };

  readonly fit = (): void => {
    this.fits = true;
    this.camera.set(fitted(this.image, this.window.get()));
  };

  /** An image that was shown whole stays so when the window changes. */
  readonly resize = (window: Size): void => {
    this.window.set(window);
    if (this.fits) this.fit();
    else this.move(this.camera.get());
  };

  readonly zoomBy = (steps: number): void => {
    const camera = this.camera.get();
    this.move({ ...camera, zoom: camera.zoom + steps });
  };

  readonly change = (change: (display: Display) => Display): void => {
    this.display.set(change(this.display.get()));
  };

  /** All as it was when the image was opened, labels included. */
  readonly reset = (): void => {
    this.display.set({
      channels: channelsAtFirst(this.facts),
      labels: { ...LABELS_AT_FIRST },
    });
    this.fit();
  };
}

export const ViewContext = createContext<View | null>(null);

export function useView(): View {
  const view = useContext(ViewContext);
  if (!view) throw new Error("no image is viewed here");
  return view;
}
