import { createContext, useContext } from "react";
import type { Filter, Range, Where } from "./measurements";
import type { PathsShown } from "./tracks/track-paths";

/** Which cells table and charts are about: those of the plane that is looked at, or all. */
export type Scope = "plane" | "all";

/** Cells that were selected by what was measured of them. */
export type Brushed = { readonly ranges: readonly Range[]; readonly plane: Filter };

/** What the tabs share beyond what they share with the image. */
export type PanelState = {
  readonly where: Where;
  /** Whether there are several planes, and so a choice of scope. */
  readonly several: boolean;
  readonly scope: Scope;
  readonly setScope: (scope: Scope) => void;
  /** The rows of the scope. */
  readonly filter: Filter;
  /** How the cells that are selected were; null where one by one. */
  readonly brushed: Brushed | null;
  readonly brush: (labels: Iterable<number>, how: Brushed) => void;
  /** The column that cells are coloured by, and why they could not be. */
  readonly colourBy: string | null;
  readonly setColourBy: (column: string | null) => void;
  readonly colouringError: unknown;
  /** Whose ways are drawn on a movie, and why they could not be. */
  readonly paths: PathsShown;
  readonly setPaths: (paths: PathsShown) => void;
  readonly pathsError: unknown;
};

export const PanelContext = createContext<PanelState | null>(null);

export function usePanel(): PanelState {
  const state = useContext(PanelContext);
  if (!state) throw new Error("there is no panel");
  return state;
}

/** Labels that fit into the address of a question. */
const LABELS = 500;

/** The rows of the cells that are selected, of a scope; `left` are cells too many to ask for. */
export function selectedRows(
  selected: ReadonlySet<number>,
  brushed: Brushed | null,
  scope: Filter,
): { filter: Filter; left: number } {
  if (brushed) return { filter: { ...brushed.plane, ranges: brushed.ranges }, left: 0 };
  const labels = [...selected].slice(0, LABELS);
  return { filter: { ...scope, labels }, left: selected.size - labels.length };
}
