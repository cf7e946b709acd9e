import { Deck, type Layer, OrthographicView } from "@deck.gl/core";
import type { View } from "../frame/view";
import { CLOSEST, zoomRange } from "./geometry";

/** Pixels that a pointer may move, and milliseconds it may stay, for what is still a click. */
const STILL = 5;
const SHORT = 700;

/** How a place of the window was clicked. */
export type Click = { readonly x: number; readonly y: number; readonly adding: boolean };

const VIEW = new OrthographicView({
  id: "image",
  flipY: true,
  controller: {
    keyboard: false,
    dragRotate: false,
    touchRotate: false,
    doubleClickZoom: true,
    scrollZoom: { speed: 0.008, smooth: false },
  },
});

/** The canvas with its graphics: draws layers as the view's camera sees them. */
export class Stage {
  private readonly deck: Deck<OrthographicView>;
  private readonly parent: HTMLElement;
  private readonly ends: (() => void)[] = [];
  private layers: readonly (Layer | null)[] = [];
  private capture: ((canvas: HTMLCanvasElement) => void) | null = null;

  constructor(
    parent: HTMLDivElement,
    view: View,
    told: { clicked: (click: Click) => void; failed: (error: unknown) => void },
  ) {
    this.parent = parent;
    const state = () => {
      const { x, y, zoom } = view.camera.get();
      const { min, max } = zoomRange(view.image, view.window.get());
      return { target: [x, y] as [number, number], zoom, minZoom: min, maxZoom: max };
    };
    this.deck = new Deck<OrthographicView>({
      parent,
      views: VIEW,
      viewState: state(),
      layers: [],
      _pickable: false,
      getCursor: ({ isDragging }) => (isDragging ? "grabbing" : "crosshair"),
      onViewStateChange: ({ viewState }) => {
        const [x = 0, y = 0] = viewState.target ?? [];
        view.move({ x, y, zoom: Number(viewState.zoom ?? CLOSEST) });
      },
      onResize: (window) => view.resize(window),
      onAfterRender: () => this.captured(),
      onError: told.failed,
    });
    this.ends.push(view.camera.subscribe(() => this.deck.setProps({ viewState: state() })));
    this.ends.push(listening(parent, view, told));
  }

  /** Draws these from now on, the first at the bottom. */
  setLayers(layers: readonly (Layer | null)[]): void {
    this.layers = layers;
    this.deck.setProps({ layers: [...layers] });
  }

  /** Whether all that the window shows has been drawn. */
  get settled(): boolean {
    return this.layers.every((layer) => layer === null || layer.isLoaded);
  }

  /** A copy of what is drawn, as large as the canvas. */
  picture(): Promise<HTMLCanvasElement> {
    return new Promise((resolve) => {
      this.capture = (canvas) => {
        const copy = document.createElement("canvas");
        copy.width = canvas.width;
        copy.height = canvas.height;
        copy.getContext("2d")?.drawImage(canvas, 0, 0);
        resolve(copy);
      };
      this.deck.redraw("picture");
    });
  }

  /** The graphics' memory may be read only while it draws. */
  private captured(): void {
    const canvas = this.parent.querySelector("canvas");
    if (!this.capture || !canvas) return;
    this.capture(canvas);
    this.capture = null;
  }

  end(): void {
    for (const end of this.ends) end();
    this.deck.finalize();
    this.parent.replaceChildren();
  }
}

/** Follows the pointer: where it is, and what it clicks. */
function listening(
  parent: HTMLElement,
  view: View,
  told: { clicked: (click: Click) => void; failed: (error: unknown) => void },
): () => void {
  const ended = new AbortController();
  const options = { signal: ended.signal, capture: true };
  let began: { x: number; y: number; time: number; id: number } | null = null;
  const place = (event: PointerEvent) => {
    const box = parent.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const down = (event: PointerEvent) => {
    const first = event.isPrimary && event.button === 0;
    began = first ? { ...place(event), time: event.timeStamp, id: event.pointerId } : null;
  };
  const up = (event: PointerEvent) => {
    if (!began || event.pointerId !== began.id) return;
    const at = place(event);
    const still = Math.hypot(at.x - began.x, at.y - began.y) <= STILL;
    const short = event.timeStamp - began.time <= SHORT;
    began = null;
    if (!still || !short) return;
    told.clicked({ ...at, adding: event.shiftKey || event.ctrlKey || event.metaKey });
  };
  parent.addEventListener("pointerdown", down, options);
  parent.addEventListener("pointerup", up, options);
  parent.addEventListener("pointermove", (event) => view.pointer.set(place(event)), options);
  parent.addEventListener("pointerleave", () => view.pointer.set(null), { signal: ended.signal });
  parent.addEventListener("webglcontextlost", () => told.failed(new Error("lost")), options);
  return () => ended.abort();
}
