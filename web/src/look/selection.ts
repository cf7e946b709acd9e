import { createContext, useContext, useSyncExternalStore } from "react";
import type { ImageFacts } from "./facts";

/** A place in an image, in pixels: the middle of the first pixel is 0, 0. */
export type Place = {
  readonly t?: number;
  readonly z?: number;
  readonly y: number;
  readonly x: number;
  /** Edge of the square that should be seen around it. */
  readonly extent?: number;
};

/** Cells coloured by a measurement. */
export type Colouring = {
  readonly column: string;
  readonly unit?: string;
  readonly values: ReadonlyMap<number, number>;
  /** Values that have the first and the last colour of the map. */
  readonly min: number;
  readonly max: number;
};

/** The way of one cell: a point for each frame it is seen in, in order of time. */
export type TrackPath = {
  readonly label: number;
  readonly points: readonly { readonly t: number; readonly y: number; readonly x: number }[];
};

/** Which part of the page has selected the cells. */
export type Origin = "image" | "data";

export type LookState = {
  readonly job: string;
  /** Number of the item in the job, and of the image in the item. */
  readonly index: number;
  readonly imageNumber: number;
  readonly image: ImageFacts;
  readonly t: number;
  readonly z: number;
  readonly playing: boolean;
  readonly selected: ReadonlySet<number>;
  readonly selectedBy: Origin;
  /** The label under the pointer; 0 for none. */
  readonly hovered: number;
  /** The column that cells are to be coloured by; `colouring` follows when its values are here. */
  readonly colourBy: string | null;
  readonly colouring: Colouring | null;
  readonly tracks: { readonly paths: readonly TrackPath[] } | null;
  /** What the image should be moved to; a new object each time it is asked for. */
  readonly revealing: { readonly label: number; readonly place?: Place } | null;
};

/**
 * What image and data share about one image: where one is in it, which cells are selected, and what
 * is drawn of them. Each part of the page subscribes to what it shows.
 */
export class LookStore {
  private state: LookState;
  private readonly listeners = new Set<() => void>();

  constructor(at: Pick<LookState, "job" | "index" | "imageNumber" | "image">) {
    this.state = {
      ...at,
      t: 0,
      z: Math.floor((at.image.shape.z - 1) / 2),
      playing: false,
      selected: new Set(),
      selectedBy: "image",
      hovered: 0,
      colourBy: null,
      colouring: null,
      tracks: null,
      revealing: null,
    };
  }

  readonly get = (): LookState => this.state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Frames are counted on from the first after the last, as playing needs. */
  readonly setT = (t: number): void => {
    this.change({ t: wrapped(t, this.state.image.shape.t) });
  };

  readonly setZ = (z: number): void => {
    const last = this.state.image.shape.z - 1;
    this.change({ z: Math.min(Math.max(Math.round(z), 0), last) });
  };

  readonly setPlaying = (playing: boolean): void => this.change({ playing });

  /** Selects `labels` and none else; with `reveal` the first is brought into view. */
  readonly select = (
    labels: Iterable<number>,
    how: { reveal?: boolean; place?: Place; by?: Origin } = {},
  ): void => {
    const selected = new Set(labels);
    const [label] = selected;
    this.change({
      selected,
      selectedBy: how.by ?? "data",
      ...(how.reveal && label !== undefined ? { revealing: { label, place: how.place } } : {}),
    });
  };

  readonly setHovered = (hovered: number): void => this.change({ hovered });

  readonly setColourBy = (colourBy: string | null): void => this.change({ colourBy });

  readonly setColouring = (colouring: Colouring | null): void => this.change({ colouring });

  readonly setTracks = (tracks: LookState["tracks"]): void => this.change({ tracks });

  /** Newer facts of the same image: more of its pyramid is there. */
  readonly setImage = (image: ImageFacts): void => this.change({ image });

  private change(what: Partial<LookState>): void {
    const keys = Object.keys(what) as (keyof LookState)[];
    if (keys.every((key) => what[key] === this.state[key])) return;
    this.state = { ...this.state, ...what };
    for (const listener of this.listeners) listener();
  }
}

function wrapped(t: number, frames: number): number {
  return ((Math.round(t) % frames) + frames) % frames;
}

export const LookContext = createContext<LookStore | null>(null);

/** The store of the image that is looked at, for callbacks that need not be drawn again. */
export function useLookStore(): LookStore {
  const store = useContext(LookContext);
  if (!store) throw new Error("nothing is looked at here");
  return store;
}

/** A part of what is looked at: drawn again when just that changes. `part` must be stable. */
export function useLookPart<Part>(part: (state: LookState) => Part): Part {
  const store = useLookStore();
  return useSyncExternalStore(store.subscribe, () => part(store.get()));
}

/** All of what is looked at, and the ways to change it. */
export function useLook() {
  const store = useLookStore();
  const state = useSyncExternalStore(store.subscribe, store.get);
  const { setT, setZ, setPlaying, select, setHovered, setColourBy, setColouring, setTracks } =
    store;
  return {
    ...state,
    setT,
    setZ,
    setPlaying,
    select,
    setHovered,
    setColourBy,
    setColouring,
    setTracks,
  };
}
