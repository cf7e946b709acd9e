import type { ColumnFacts, ImageFacts } from "../facts";

/** What columns are called on the page, and which of them are shown at first. */

const TITLES: Readonly<Record<string, string>> = {
  label: "Cell",
  "bbox-0": "Top",
  "bbox-1": "Left",
  "bbox-2": "Bottom",
  "bbox-3": "Right",
  "centroid-0": "Centre y",
  "centroid-1": "Centre x",
  equivalent_diameter_area: "Diameter",
  axis_major_length: "Major axis",
  axis_minor_length: "Minor axis",
};

const BRIGHTNESS: Readonly<Record<string, string>> = {
  mean: "Mean",
  min: "Least",
  max: "Greatest",
  std: "Deviation",
};

/** Columns that say where a cell is: they are there to find it, not to be compared. */
const PLACES = /^(bbox-|centroid-|label$|t$|z$|track$|parent$)/;

/** Columns whose numbers stand for cells and tracks. */
const NAMES = /^(label|track|parent|founder)$/;

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const digits = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 4 });
const tiny = new Intl.NumberFormat("en-GB", { notation: "scientific", maximumFractionDigits: 2 });

/** A column's name in words: "area_um2" is "Area", for its unit is told beside. */
export function titleOf(name: string): string {
  const brightness = /^intensity_(mean|min|max|std)-(.*)$/.exec(name);
  if (brightness) return `${BRIGHTNESS[brightness[1] ?? ""]} ${channel(brightness[2] ?? "")}`;
  const base = name.replace(/_(um2|um_per_h|um|h)$/, "");
  const words = base.replaceAll("_", " ");
  // Planes are counted from 0 in tables and from 1 in words: there they keep their letters.
  if (base.length === 1) return base;
  return TITLES[base] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** "Area (µm²)", or "Solidity" where there is no unit. */
export function titleWithUnit(column: Pick<ColumnFacts, "name" | "unit">): string {
  return column.unit ? `${titleOf(column.name)} (${column.unit})` : titleOf(column.name);
}

/** Columns with numbers that are known, to be drawn; those that describe cells come first. */
export function comparable(image: ImageFacts): ColumnFacts[] {
  const known = image.columns.filter((one) => one.kind === "number" && one.min !== null);
  const place = (one: ColumnFacts) => Number(PLACES.test(one.name));
  return known.toSorted((a, b) => place(a) - place(b));
}

/** The columns of the table until one chooses others. */
export function firstShown(image: ImageFacts): string[] {
  const known = new Set(image.columns.filter((one) => one.min !== null).map((one) => one.name));
  const means = [...known].filter((name) => name.startsWith("intensity_mean-")).slice(0, 3);
  const plane = [image.shape.t > 1 ? "t" : "", image.shape.z > 1 ? "z" : ""];
  const size = known.has("area_um2") ? "area_um2" : "area";
  const followed = image.tracks ? ["parent", "generation"] : [];
  const found = ["label", ...plane, size, ...means, ...followed, "eccentricity", "solidity"];
  return found.filter((name) => known.has(name));
}

/** A value as the table shows it; a dash where it is not known. `name` is that of its column. */
export function shown(value: number | string | boolean | null, name = ""): string {
  if (value === null) return "–";
  if (NAMES.test(name)) return String(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e12)) return tiny.format(value);
  return size >= 1000 || Number.isInteger(value) ? whole.format(value) : digits.format(value);
}

/** How many characters the values of a column need at most; of texts it is not known. */
export function lengthOf(column: Pick<ColumnFacts, "name" | "min" | "max">): number {
  const ends = [column.min, column.max].map((end) => shown(end, column.name).length);
  return Math.max(...ends);
}

function channel(name: string): string {
  return /^\d+$/.test(name) ? `channel ${Number(name) + 1}` : name;
}
