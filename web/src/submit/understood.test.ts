import { describe, expect, it } from "vitest";
import { corrected, correctionOf } from "./corrections";
import { nameOf, pathsOf } from "./job-body";
import { imagesIn, tried } from "./sample";
import {
  exchanged,
  extents,
  type Inspected,
  type SeenImage,
  samplePath,
  told,
  toldFile,
} from "./understood";

const image: SeenImage = {
  name: "a.tif",
  axes: "TCYX",
  shape: { t: 12, c: 2, z: 1, y: 1024, x: 1280 },
  dtype: "uint16",
  bits: 16,
  channels: ["DAPI", "GFP"],
  rgb: false,
  pixel_size: { x: 0.65, y: 0.65, z: null },
  interval: null,
};

const zip: Inspected = {
  path: "b.zip",
  kind: "zip",
  members: 3,
  images: [{ ...image, name: "b.zip/day1/m.tif#0" }],
  error: null,
};

describe("what was understood", () => {
  it("is told with numbers and units", () => {
    expect(told(image)).toBe("12 time points × 2 channels × 1,280 × 1,024 px, 16 bit, 0.65 µm/px");
  });

  it("takes the colours of a picture for no channels", () => {
    const picture = { ...image, rgb: true, bits: 8, shape: { ...image.shape, t: 1, c: 3 } };
    expect(told({ ...picture, pixel_size: null })).toBe(
      "1,280 × 1,024 px, colour, 8 bit, pixel size unknown",
    );
  });

  it("counts the images of zips and files", () => {
    expect(toldFile(zip)).toContain("Zip with 3 images; the first: 12 time points");
    expect(toldFile({ ...zip, members: null, images: [image, image] })).toContain(
      "2 images in one",
    );
    expect(samplePath(zip)).toBe("b.zip/day1/m.tif");
  });

  it("lists axes in the order of the file", () => {
    expect(extents(image)).toEqual([
      { axis: "T", size: 12 },
      { axis: "C", size: 2 },
      { axis: "Y", size: 1024 },
      { axis: "X", size: 1280 },
    ]);
  });
});

it("keeps axes different when one is changed", () => {
  expect(exchanged("ZYX", 0, "T")).toBe("TYX");
  expect(exchanged("TCYX", 0, "C")).toBe("CTYX");
  expect(exchanged("CYX", 2, "C")).toBe("XYC");
});

describe("corrections", () => {
  const time = { axes: "TYX", pixel_size: null };
  const size = { axes: null, pixel_size: 0.5 };

  it("count where they name most of a path", () => {
    const said = { "*": size, a: time };
    expect(correctionOf(said, "a/b/c.tif")).toBe(time);
    expect(correctionOf(said, "ab.tif")).toBe(size);
    expect(correctionOf({}, "ab.tif")).toBeNull();
  });

  it("take the place of those of what is in them", () => {
    expect(corrected({ "a/b.tif": size, "c.tif": size }, "a", time)).toEqual({
      a: time,
      "c.tif": size,
    });
    expect(corrected({ a: size }, "*", time)).toEqual({ "*": time });
    expect(corrected({ a: size }, "a", { axes: null, pixel_size: null })).toEqual({});
  });
});

describe("the paths of a job", () => {
  it("are not named where all is wanted", () => {
    expect(pathsOf(["a.tif"], [])).toBeNull();
  });

  it("name folders where all in them is wanted", () => {
    const wanted = ["p/1/a.tif", "p/1/b.tif", "p/2/a.tif", "q/a.tif", "q/b/c.tif"];
    expect(pathsOf(wanted, ["p/2/b.tif"])).toEqual(["p/1", "p/2/a.tif", "q"]);
  });

  it("suggest a name", () => {
    expect(nameOf([])).toBe("");
    expect(nameOf(["p/a.ome.tif"])).toBe("a");
    expect(nameOf(["p/a.tif", "p/b.tif"])).toBe("p");
    expect(nameOf(["a.tif", "b.tif"])).toBe("2 files");
  });
});

describe("what is tried", () => {
  const still = { ...image, axes: "YX", shape: { t: 1, c: 1, z: 1, y: 9, x: 9 } };
  const file: Inspected = {
    path: "m/t1.tif",
    kind: "image",
    members: null,
    images: [still],
    error: null,
  };

  it("is the first image of a zip, and all frames of a movie in files", () => {
    expect(tried(zip, true)).toBe("b.zip/day1/m.tif");
    expect(tried(file, false)).toBe("m/t1.tif");
    expect(tried(file, true)).toBe("m");
    expect(tried({ ...file, images: [image] }, true)).toBe("m/t1.tif");
  });

  it("counts images, where that can be done", () => {
    expect(imagesIn(["b.zip", "m/t1.tif", "c.tif"], [zip, file])).toBe(5);
    expect(imagesIn(["c.zip"], [])).toBeNull();
    const bad = { ...file, error: { fault: "damaged", advice: "" } };
    expect(imagesIn(["m/t1.tif"], [bad])).toBe(0);
  });
});
