import { afterEach, expect, it, vi } from "vitest";
import { forget, recall, remember } from "./remembered";

const kept = { upload: "u1", files: [{ path: "a.tif", size: 3, modified: 5 }] };

function storage(full = false) {
  const found = new Map<string, string>();
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => found.get(key) ?? null,
    removeItem: (key: string) => found.delete(key),
    setItem: (key: string, value: string) => {
      if (full) throw new DOMException("full", "QuotaExceededError");
      found.set(key, value);
    },
  });
  return found;
}

afterEach(() => vi.unstubAllGlobals());

it("keeps the upload of each user", () => {
  storage();
  remember("ann", kept);
  expect(recall("ann")).toEqual(kept);
  expect(recall("bob")).toBeNull();
  forget("ann");
  expect(recall("ann")).toBeNull();
});

it("forgets what the kiosk has deleted, and what it cannot read", () => {
  const found = storage();
  remember("ann", kept, 0);
  expect(recall("ann", 30 * 86_400_000)).toBeNull();
  found.set("cytomill:upload:ann", "{");
  expect(recall("ann")).toBeNull();
});

it("goes on where nothing can be kept", () => {
  storage(true);
  remember("ann", kept);
  expect(recall("ann")).toBeNull();
});
