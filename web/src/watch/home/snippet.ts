import type { Job } from "../../api/queries";
import { pythonValue, shellWord } from "./quoting";
import { type Asked, asked, BUILT_IN } from "./snippet-inputs";

/** Ways to do again what a job does, as text to be copied. */
export interface Snippets {
  /** On this kiosk, from a shell; nothing where one command cannot say it. */
  readonly submit: string;
  /** On this kiosk, from Python. */
  readonly client: string;
  /** On the user's own machine. */
  readonly run: string;
  readonly python: string;
  /** What differs from the job, in words. */
  readonly notes: readonly string[];
}

/** Characters of a line; what is longer goes on in the next. */
const WIDTH = 76;

/** What does the same as `job` at the kiosk `url`; `files` are those of its uploads, where known. */
export function snippets(
  job: Job,
  url: string,
  files: ReadonlyMap<string, readonly string[]>,
): Snippets {
  const given = asked(job, files);
  return {
    submit: submit(job, url, given),
    client: client(job, url, given),
    run: run(job, given),
    python: python(job, given),
    notes: given.notes,
  };
}

function submit(job: Job, url: string, given: Asked): string {
  const words = ["cytomill submit", ...sources(given), `--server ${shellWord(url)}`];
  words.push(`-p ${shellWord(job.pipeline)}`);
  words.push(...(BUILT_IN.includes(job.pipeline) ? flags(given) : unknown(given)));
  if (given.pattern) words.push(flag("pattern", given.pattern));
  if (given.axes) words.push(flag("axes", given.axes));
  words.push(...outputs(job));
  if (job.name) words.push(flag("name", job.name));
  if (job.priority !== "normal") words.push(flag("priority", job.priority));
  return command([...words, "-o results"]);
}

function sources(given: Asked): string[] {
  if (given.source === null) return given.places.map(shellWord);
  const { source, prefix } = given.source;
  return [flag("source", source), ...(prefix ? [flag("prefix", prefix)] : [])];
}

function run(job: Job, given: Asked): string {
  const places = given.places.map(shellWord);
  const written = outputs(job);
  // `track` is for labels alone, and writes no pictures of objects.
  const linking = job.pipeline === "link" && !job.outputs.overlay && !job.outputs.geojson;
  const words = linking
    ? ["cytomill track", ...places, "-o results"]
    : ["cytomill run", ...places, "-o results", `-p ${shellWord(job.pipeline)}`];
  words.push(...flags(given));
  if (given.pattern) words.push(flag("pattern", given.pattern));
  if (given.axes) words.push(flag("axes", given.axes));
  return command([...words, ...written]);
}

/** The pipeline's options as flags: `--channel DAPI --no-measure`. */
function flags(given: Asked): string[] {
  return Object.entries(given.options).map(([name, value]) => {
    const called = name.replaceAll("_", "-");
    if (typeof value === "boolean") return value ? `--${called}` : `--no-${called}`;
    return flag(called, typeof value === "string" ? value : JSON.stringify(value));
  });
}

/** The options of a pipeline that the machine of the user may not have. */
function unknown(given: Asked): string[] {
  return Object.entries(given.options).map(
    ([name, value]) => `--option ${shellWord(`${name}=${bare(value)}`)}`,
  );
}

/** A value as `--option` reads it: JSON, or text where it is none. */
function bare(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value);
  try {
    JSON.parse(value);
    return JSON.stringify(value);
  } catch {
    return value;
  }
}

function flag(name: string, value: string): string {
  // What begins with a dash would be taken for a flag.
  return value.startsWith("-") || value === ""
    ? `--${name}=${shellWord(value)}`
    : `--${name} ${shellWord(value)}`;
}

function outputs(job: Job): string[] {
  const { format, ngff, overlay, geojson } = job.outputs;
  return [
    ...(format === "zarr" ? ["--format zarr"] : []),
    ...(typeof ngff === "string" ? [`--ngff ${ngff}`] : []),
    ...(overlay ? ["--overlay"] : []),
    ...(geojson ? ["--geojson"] : []),
  ];
}

/** A command of `words`, over several lines where it is long. */
function command(words: string[]): string {
  const line = words.join(" ");
  return line.length <= WIDTH ? line : words.join(" \\\n  ");
}

function python(job: Job, given: Asked): string {
  const call = [pythonValue(listed(given.places)), '"results"', ...keywords(job, given)];
  return `import cytomill\n\nreport = ${called("cytomill.run", call)}\nprint(report.done, "done,", report.objects, "objects")\n`;
}

function client(job: Job, url: string, given: Asked): string {
  const name = job.name ? [`name=${pythonValue(job.name)}`] : [];
  const opened = `client = cytomill.Client(${pythonValue(url)})`;
  const told = 'print(results.done, "done,", results.objects, "objects")';
  if (given.source === null && job.priority === "normal") {
    const places = pythonValue(listed(given.places));
    const call = [places, 'out="results"', ...keywords(job, given), ...name];
    return `import cytomill\n\n${opened}\nresults = ${called("client.run", call)}\n${told}\n`;
  }
  const priority = job.priority === "normal" ? [] : [`priority=${pythonValue(job.priority)}`];
  const rest = [...keywords(job, { ...given, pattern: "" }), ...name, ...priority];
  const stored = given.source === null ? uploaded(job, given) : fromSource(given, given.source);
  return `${stored.imports}\n\n${opened}\n${stored.line}\njob = ${called("client.submit", ["stored", ...rest])}\nclient.wait(job.id)\nresults = client.download(job.id, "results")\n${told}\n`;
}

function uploaded(job: Job, given: Asked) {
  const call = [pythonValue(listed(given.places))];
  if (given.pattern) call.push(`pattern=${pythonValue(given.pattern)}`);
  if (["track", "link"].includes(job.pipeline)) call.push("movies=True");
  return { imports: "import cytomill", line: `stored = ${called("client.upload", call)}` };
}

function fromSource(given: Asked, from: NonNullable<Asked["source"]>) {
  const call = [`source=${pythonValue(from.source)}`];
  if (from.prefix) call.push(`prefix=${pythonValue(from.prefix)}`);
  if (given.pattern) call.push(`pattern=${pythonValue(given.pattern)}`);
  return {
    imports: "import cytomill\nfrom cytomill.client import Stored",
    line: `stored = ${called("Stored", call)}`,
  };
}

function keywords(job: Job, given: Asked): string[] {
  const { format, ngff, overlay, geojson } = job.outputs;
  const found: [string, unknown][] = [["pipeline", job.pipeline]];
  if (given.pattern) found.push(["pattern", given.pattern]);
  if (given.axes) found.push(["axes", given.axes]);
  if (format === "zarr") found.push(["format", format]);
  if (ngff) found.push(["ngff", ngff]);
  if (overlay) found.push(["overlay", true]);
  if (geojson) found.push(["geojson", true]);
  found.push(...Object.entries(given.options));
  return found.map(([name, value]) => `${name}=${pythonValue(value)}`);
}

function called(name: string, call: string[]): string {
  const line = `${name}(${call.join(", ")})`;
  return line.length <= WIDTH ? line : `${name}(\n${call.map((one) => `    ${one},\n`).join("")})`;
}

/** One place as it is, several as a list. */
function listed(places: readonly string[]): unknown {
  return places.length === 1 ? places[0] : places;
}
