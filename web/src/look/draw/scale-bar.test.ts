import { expect, it } from "vitest";
import { scaleBar } from "./scale-bar";

it("takes the longest round length that fits", () => {
  expect(scaleBar(0.5, 130)).toEqual({ pixels: 100, text: "50 µm" });
  expect(scaleBar(0.25, 100)?.text).toBe("20 µm");
});

it("changes the unit with the size", () => {
  expect(scaleBar(20, 120)?.text).toBe("2 mm");
  expect(scaleBar(0.005, 120)?.text).toBe("500 nm");
  expect(scaleBar(0.01, 100)?.text).toBe("1 µm");
});

it("is none where nothing is known", () => {
  expect(scaleBar(0, 100)).toBeNull();
  expect(scaleBar(Number.NaN, 100)).toBeNull();
});
