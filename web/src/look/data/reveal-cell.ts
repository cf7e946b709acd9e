import type { LookStore, Place } from "../selection";
import { type Columns, type Found, rowOf, type Where } from "./measurements";

/** Columns that say where a cell is, and how large. */
export const PLACE = ["centroid-0", "centroid-1", "equivalent_diameter_area"] as const;

/** Diameters of a cell that are shown around it. */
const AROUND = 8;

/** Where a cell is, as far as it was measured. */
export function placeAt(
  plane: { t: number; z: number },
  y: unknown,
  x: unknown,
  diameter: unknown,
): Place | undefined {
  if (typeof y !== "number" || typeof x !== "number") return undefined;
  const extent = typeof diameter === "number" ? AROUND * diameter : undefined;
  return { ...plane, y, x, extent };
}

/** Selects a cell, goes to its plane, and brings it into view as soon as it is known where it is. */
export async function revealCell(
  store: LookStore,
  where: Where,
  cell: Required<Found>,
): Promise<void> {
  const { label, t, z } = cell;
  store.select([label]);
  store.setT(t);
  store.setZ(z);
  const { selected, image } = store.get();
  if (!PLACE.every((name) => image.columns.some((one) => one.name === name))) return;
  // That the cell cannot be moved to is no reason to say so: it is selected.
  const row = await rowOf(where, PLACE, cell).catch(() => ({}) as Columns);
  const [y, x, diameter] = PLACE.map((name) => row[name]?.[0]);
  const place = placeAt({ t, z }, y, x, diameter);
  if (store.get().selected === selected && place) store.select([label], { reveal: true, place });
}
