import { expect, it } from "vitest";
import { Speed } from "./speed";

it("tells bytes a second of the last seconds", () => {
  const speed = new Speed();
  expect(speed.at(0)).toBeNull();
  for (let time = 0; time <= 20_000; time += 100) speed.add(time < 10_000 ? 1 : 100, time);
  expect(speed.at(20_000)).toBeCloseTo(1000, -1);
});

it("slows down where nothing comes", () => {
  const speed = new Speed();
  for (let time = 0; time <= 1000; time += 100) speed.add(100, time);
  expect(speed.at(11_000)).toBeLessThan(100);
  speed.reset();
  expect(speed.at(12_000)).toBeNull();
});
