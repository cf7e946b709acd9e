import { expect, it, vi } from "vitest";
import type { ImageFacts } from "./facts";
import { LookStore } from "./selection";

function store(): LookStore {
  const image = { shape: { t: 3, c: 1, z: 5, y: 10, x: 10 } } as ImageFacts;
  return new LookStore({ job: "a", index: 0, imageNumber: 0, image });
}

it("begins in the middle of a stack and at the start of a movie", () => {
  expect(store().get()).toMatchObject({ t: 0, z: 2 });
});

it("goes round in time, and stops at the ends of depth", () => {
  const look = store();
  look.setT(4);
  look.setZ(9);
  expect(look.get()).toMatchObject({ t: 1, z: 4 });
  look.setT(-1);
  look.setZ(-1);
  expect(look.get()).toMatchObject({ t: 2, z: 0 });
});

it("tells what was selected and what to bring into view", () => {
  const look = store();
  look.select([7, 8], { reveal: true, place: { y: 1, x: 2 } });
  expect([...look.get().selected]).toEqual([7, 8]);
  expect(look.get().revealing).toEqual({ label: 7, place: { y: 1, x: 2 } });
  look.select([9], { by: "image" });
  expect(look.get().revealing?.label).toBe(7);
  expect(look.get().selectedBy).toBe("image");
});

it("calls nobody for what stays as it is", () => {
  const look = store();
  const called = vi.fn();
  look.subscribe(called);
  look.setHovered(0);
  expect(called).not.toHaveBeenCalled();
  look.setHovered(3);
  expect(called).toHaveBeenCalledOnce();
});
