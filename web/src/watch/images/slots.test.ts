import { expect, it } from "vitest";
import { Slots } from "./slots";

it("lets no more go at once than there are places", () => {
  const slots = new Slots(2);
  const gone: string[] = [];
  const [first] = ["a", "b", "c", "d"].map((name) => slots.ask(() => gone.push(name)));
  expect(gone).toEqual(["a", "b"]);
  first?.();
  first?.();
  expect(gone).toEqual(["a", "b", "c"]);
});

it("passes over those that no longer wait", () => {
  const slots = new Slots(1);
  const gone: string[] = [];
  const [first, second] = ["a", "b", "c"].map((name) => slots.ask(() => gone.push(name)));
  second?.();
  first?.();
  expect(gone).toEqual(["a", "c"]);
});
