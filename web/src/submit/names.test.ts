import { describe, expect, it } from "vitest";
import { free, isJunk, tidy, unitOf, uselessness } from "./names";

describe("uselessness", () => {
  it("says what to do with formats that are not read", () => {
    expect(uselessness("a.czi", 9)?.advice).toContain("OME-TIFF");
    expect(uselessness("notes.txt", 9)?.advice).toContain("TIFF");
    expect(uselessness("movie.avi", 9)?.advice).toContain("stack");
    expect(uselessness("a.TIF", 9)).toBeNull();
    expect(uselessness("a.zip", 9)).toBeNull();
  });

  it("tells of empty files, but not of those in OME-Zarr", () => {
    expect(uselessness("a.tif", 0)?.fault).toContain("0 bytes");
    expect(uselessness("a.ome.zarr/0/0", 0)).toBeNull();
  });
});

it("leaves out what systems put into folders", () => {
  expect([".DS_Store", "a/Thumbs.db", "__MACOSX/a.tif", "._a.tif"].every(isJunk)).toBe(true);
  expect(["a.tif", "a.zarr/.zattrs", "a/b.tif"].some(isJunk)).toBe(false);
});

it("makes paths that an upload may have", () => {
  expect(["a\\b.tif", "/a//b.tif", "../a.tif", "a\n.tif"].map(tidy)).toEqual([
    "a_b.tif",
    "a/b.tif",
    "a.tif",
    "a_.tif",
  ]);
});

it("finds a free name beside one that is taken", () => {
  const taken = new Set(["d.1/a.ome.tif", "d.1/a (2).ome.tif", "d.1/b"]);
  expect(free("d.1/a.ome.tif", (path) => taken.has(path))).toBe("d.1/a (3).ome.tif");
  expect(free("d.1/b", (path) => taken.has(path))).toBe("d.1/b (2)");
  expect(free("c.tif", (path) => taken.has(path))).toBe("c.tif");
});

it("takes an OME-Zarr for one image", () => {
  expect(["a/b.ome.zarr/0/0", "a/b.tif", "b.zarr.tif"].map(unitOf)).toEqual([
    "a/b.ome.zarr",
    "a/b.tif",
    "b.zarr.tif",
  ]);
});
