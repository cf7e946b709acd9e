import { expect, it } from "vitest";
import { aJob } from "../a-job";
import { pythonValue, shellWord } from "./quoting";
import { snippets } from "./snippet";

const URL = "http://kiosk:8080";
const ONE = new Map([["u1", ["a b.tif"]]]);

it("quotes what a shell would take for something else", () => {
  expect(["a.tif", "a b", "it's", "$HOME", "", "*_DAPI.tif", "~"].map(shellWord)).toEqual([
    "a.tif",
    "'a b'",
    "'it'\\''s'",
    "'$HOME'",
    "''",
    "'*_DAPI.tif'",
    "'~'",
  ]);
});

it("writes values as Python does", () => {
  expect(pythonValue({ a: [true, null, 0.5, 'x"y\\'] })).toBe(
    '{"a": [True, None, 0.5, "x\\"y\\\\"]}',
  );
});

it("names the pipeline, its options and the files to write", () => {
  const job = aJob({
    options: { channel: 1, measure: false, pixel_size: 0.5, contrast: null },
    outputs: { format: "zarr", ngff: "0.5", overlay: true, geojson: false },
    name: "it's",
  });
  const found = snippets(job, URL, ONE);
  expect(found.run.replaceAll(" \\\n  ", " ")).toBe(
    "cytomill run 'a b.tif' -o results -p nuclei --channel 1 --no-measure --pixel-size 0.5" +
      " --format zarr --ngff 0.5 --overlay",
  );
  expect(found.submit.replaceAll(" \\\n  ", " ")).toBe(
    "cytomill submit 'a b.tif' --server http://kiosk:8080 -p nuclei --channel 1 --no-measure" +
      " --pixel-size 0.5 --format zarr --ngff 0.5 --overlay --name 'it'\\''s' -o results",
  );
  expect(found.python).toContain("    channel=1,\n    measure=False,\n    pixel_size=0.5,\n");
  expect(found.client).toContain('client.run(\n    "a b.tif",\n    out="results",\n');
  expect(found.notes).toEqual([]);
});

it("gives options of pipelines that only the kiosk has by name", () => {
  const job = aJob({ pipeline: "spots", options: { radius: 3, mode: "3", how: "a b" } });
  expect(snippets(job, URL, ONE).submit.replaceAll(" \\\n  ", " ")).toContain(
    "-p spots --option radius=3 --option 'mode=\"3\"' --option 'how=a b'",
  );
});

it("links labels with the command for that", () => {
  const job = aJob({ pipeline: "link", options: { max_gap: 2 } });
  expect(snippets(job, URL, ONE).run).toBe("cytomill track 'a b.tif' -o results --max-gap 2");
});

it("takes images that the kiosk has from where they are", () => {
  const job = aJob({
    inputs: [{ source: "lab", prefix: "day 1", pattern: "*.tif" }],
    priority: "high",
  });
  const found = snippets(job, URL, new Map());
  expect(found.submit.replaceAll(" \\\n  ", " ")).toBe(
    "cytomill submit --source lab --prefix 'day 1' --server http://kiosk:8080 -p nuclei" +
      " --pattern '*.tif' --name 'plate 7' --priority high -o results",
  );
  expect(found.client).toContain('stored = Stored(source="lab", prefix="day 1", pattern="*.tif")');
  expect(found.client).toContain('priority="high"');
});

it("takes along what is corrected for all, and says what it cannot", () => {
  const all = aJob({ inputs: [{ upload: "u1", corrections: [{ path: "*", axes: "TYX" }] }] });
  expect(snippets(all, URL, ONE).run).toContain("--axes TYX");
  expect(snippets(all, URL, ONE).python).toContain('axes="TYX"');
  const some = aJob({ inputs: [{ upload: "u1", corrections: [{ path: "b.tif", axes: "TYX" }] }] });
  expect(snippets(some, URL, ONE).run).not.toContain("--axes");
  expect(snippets(some, URL, ONE).notes).toEqual([
    "Corrections of single files are not in the commands.",
  ]);
});

it("names images whose files nobody knows in a way that one sees", () => {
  const found = snippets(aJob(), URL, new Map());
  expect(found.run).toBe("cytomill run images -o results -p nuclei");
  expect(found.notes).toEqual(["Write the path of your images for “images”."]);
});

it("names some files of an upload one by one, and none that looks like a flag", () => {
  const job = aJob({ inputs: [{ upload: "u1", paths: ["a.tif", "-b.tif"] }] });
  expect(snippets(job, URL, ONE).run).toBe("cytomill run a.tif ./-b.tif -o results -p nuclei");
});
