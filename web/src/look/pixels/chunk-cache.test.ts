import { expect, it, vi } from "vitest";
import { ChunkCache } from "./chunk-cache";

const bytes = (value: Uint8Array) => value.byteLength;

it("asks once for what several want, and keeps it", async () => {
  const cache = new ChunkCache<Uint8Array>(100, bytes);
  const load = vi.fn(async () => new Uint8Array(10));
  const [a, b] = await Promise.all([cache.get("a", load), cache.get("a", load)]);
  expect(a).toBe(b);
  expect(await cache.get("a", load)).toBe(a);
  expect(load).toHaveBeenCalledOnce();
});

it("gives up what was unused for longest", async () => {
  const cache = new ChunkCache<Uint8Array>(25, bytes);
  const load = async () => new Uint8Array(10);
  await cache.get("a", load);
  await cache.get("b", load);
  cache.peek("a");
  await cache.get("c", load);
  expect(["a", "b", "c"].map((key) => cache.peek(key) !== undefined)).toEqual([true, false, true]);
});

it("breaks a request off when the last reader goes, and no sooner", async () => {
  const cache = new ChunkCache<Uint8Array>(100, bytes);
  let inner: AbortSignal | undefined;
  const load = (signal: AbortSignal) => {
    inner = signal;
    return new Promise<Uint8Array>(() => undefined);
  };
  const one = new AbortController();
  const two = new AbortController();
  const first = cache.get("a", load, one.signal);
  const second = cache.get("a", load, two.signal);
  one.abort();
  await expect(first).rejects.toThrow();
  expect(inner?.aborted).toBe(false);
  two.abort();
  await expect(second).rejects.toThrow();
  expect(inner?.aborted).toBe(true);
});

it("tries again what has failed", async () => {
  const cache = new ChunkCache<Uint8Array>(100, bytes);
  await expect(cache.get("a", () => Promise.reject(new Error("away")))).rejects.toThrow("away");
  expect(await cache.get("a", async () => new Uint8Array(1))).toHaveLength(1);
});
