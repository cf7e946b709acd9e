import type { Job } from "../../api/queries";

/** The pipelines that every Cytomill has; the options of others are not flags everywhere. */
export const BUILT_IN: readonly string[] = ["nuclei", "track", "link", "model"];

/** Paths that a command names one by one. */
const NAMED = 10;

/** What a job was asked, as one command can say it. */
export interface Asked {
  /** Paths on the user's machine; those that nobody knows are called `images`. */
  readonly places: readonly string[];
  /** Where the kiosk itself has the images. */
  readonly source: { readonly source: string; readonly prefix: string } | null;
  readonly pattern: string;
  readonly axes: string;
  /** The options that have a value. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What a command does otherwise, or one should know. */
  readonly notes: readonly string[];
}

interface Correction {
  readonly path: string;
  readonly axes?: string;
  readonly pixel_size?: number;
}

/** What was asked with `job`; `files` are those of its uploads, where they are known. */
export function asked(job: Job, files: ReadonlyMap<string, readonly string[]>): Asked {
  const notes: string[] = [];
  const options = Object.fromEntries(
    Object.entries(job.options).filter(([, value]) => value !== null && value !== undefined),
  );
  const corrections = job.inputs.flatMap((input) => list<Correction>(input.corrections));
  const everywhere = one(corrections.filter((each) => each.path === "*" || isOnly(job, each)));
  if (corrections.length > 0 && (everywhere === null || corrections.length > 1)) {
    notes.push("Corrections of single files are not in the commands.");
  }
  const pixelSize = everywhere?.pixel_size;
  if (pixelSize !== undefined && options.pixel_size === undefined) options.pixel_size = pixelSize;
  const patterns = new Set(job.inputs.map((input) => text(input.pattern)));
  if (patterns.size > 1) notes.push("Its inputs had patterns of their own; give them one by one.");
  const sources = job.inputs.filter((input) => input.source);
  const [first] = sources;
  if (sources.length > 0 && job.inputs.length > 1) {
    notes.push("It had several inputs, of which the commands take the first.");
  }
  const places = [...new Set(job.inputs.flatMap((input) => placesOf(input, files, notes)))];
  if (places.includes("images")) notes.push("Write the path of your images for “images”.");
  return {
    places,
    source: first ? { source: text(first.source), prefix: text(first.prefix) } : null,
    pattern: patterns.size === 1 ? text(job.inputs[0]?.pattern) : "",
    axes: everywhere?.axes ?? "",
    options,
    notes,
  };
}

function placesOf(
  input: Job["inputs"][number],
  files: ReadonlyMap<string, readonly string[]>,
  notes: string[],
): string[] {
  const paths = list<string>(input.paths);
  const members = paths.some((path) => /\.zip\//i.test(path));
  if (paths.length > 0 && paths.length <= NAMED && !members) return paths.map(safe);
  if (paths.length > 0) notes.push("It took some of the files only.");
  if (input.folder) return [safe(text(input.folder))];
  const known = files.get(text(input.upload)) ?? [];
  const [only] = known;
  return only !== undefined && known.length === 1 && paths.length === 0 ? [safe(only)] : ["images"];
}

/** A path that no command takes for a flag. */
function safe(path: string): string {
  return path.startsWith("-") ? `./${path}` : path;
}

/** Whether a correction is of the only path there is. */
function isOnly(job: Job, correction: Correction): boolean {
  const paths = list<string>(job.inputs[0]?.paths);
  return job.inputs.length === 1 && paths.length === 1 && paths[0] === correction.path;
}

function one<T>(some: readonly T[]): T | null {
  return some.length === 1 ? (some[0] ?? null) : null;
}

function list<T>(value: unknown): T[] {
  return Array.isArray(value) ? (value as T[]) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
