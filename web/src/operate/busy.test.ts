import { expect, it } from "vitest";
import { busy, looked, modelKey } from "./busy";
import type { Server } from "./queries";

function server(seconds: number): Server {
  const model = { name: "nuclei", version: "1", state: "READY", reason: "" };
  const counts = { requests: 1, failures: 0, last: 0 };
  return { address: "a", ready: true, fault: "", models: [{ ...model, ...counts, seconds }] };
}

const key = modelKey("a", "nuclei", "1");

it("is the share of the time between two looks", () => {
  expect(busy(looked([server(10)], 0), looked([server(11)], 4000), key)).toBeCloseTo(0.25);
});

it("is not known at first, and after a restart of the server", () => {
  expect(busy(undefined, looked([server(10)], 0), key)).toBeUndefined();
  expect(busy(looked([server(10)], 0), looked([server(1)], 4000), key)).toBeUndefined();
});
