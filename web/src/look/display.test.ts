import { expect, it } from "vitest";
import {
  AT_ONCE,
  channelsAtFirst,
  type Display,
  hasRoom,
  LABELS_AT_FIRST,
  styleOf,
  withChannel,
  withLabels,
} from "./display";
import type { ImageFacts } from "./facts";

function image(count: number, more: Partial<ImageFacts> = {}): ImageFacts {
  const one = { name: "a", colour: "#00ff00", low: 10, high: 90, min: 0, max: 200 };
  return { rgb: false, dtype: "uint8", channels: Array(count).fill(one), ...more } as ImageFacts;
}

it("takes contrast and colour from the kiosk, but pictures as they are", () => {
  expect(channelsAtFirst(image(1))).toEqual([
    { visible: true, colour: "#00ff00", low: 10, high: 90 },
  ]);
  expect(channelsAtFirst(image(3, { rgb: true }))[0]).toMatchObject({ low: 0, high: 255 });
  const float = image(3, { rgb: true, dtype: "float32" });
  expect(channelsAtFirst(float)[0]).toMatchObject({ low: 0, high: 200 });
});

it("shows no more channels than can be drawn", () => {
  const all = channelsAtFirst(image(9));
  expect(all.filter((one) => one.visible)).toHaveLength(4);
  let display: Display = { channels: all, labels: LABELS_AT_FIRST };
  for (let index = 0; index < AT_ONCE; index += 1) {
    expect(hasRoom(display)).toBe(index < 3);
    display = withChannel(display, index + 3, { visible: true });
    if (!hasRoom(display)) break;
  }
});

it("keeps an opacity for each mode", () => {
  const display = { channels: [], labels: LABELS_AT_FIRST };
  const filled = withLabels(display, { mode: "filled", filled: 0.3 }).labels;
  expect(styleOf(filled, null, new Set()).opacity).toBe(0.3);
  expect(styleOf({ ...filled, mode: "outlines" }, null, new Set()).opacity).toBe(1);
});

it("colours by a measurement whenever its values are here", () => {
  const labels = { ...LABELS_AT_FIRST, by: "one" as const };
  expect(styleOf(labels, null, new Set()).colours.by).toBe("one");
  const colouring = { column: "area", values: new Map(), min: 0, max: 1 };
  expect(styleOf(labels, colouring, new Set()).colours.by).toBe("values");
});
