import { expect, it } from "vitest";
import type { Pool, Scaling } from "./queries";
import { coming, lasting, most, troubles } from "./workers";

const POOL: Pool = {
  name: "consumers",
  role: "consumer",
  pipelines: [],
  wanted: 3,
  why: "9 tasks",
  asked: 0,
  starting: 0,
  ready: 0,
  busy: 0,
  draining: 0,
  most: 4,
  reason: "",
  spent: 0,
  startup: 5,
  troubles: [],
};

const TROUBLE = { cause: "refused", advice: "ask", since: 100, again: 400 };

const SCALING: Scaling = {
  time: 0,
  policy: "throughput",
  engine: "SLURM",
  pools: [POOL, { ...POOL, name: "more", most: 2 }],
  troubles: [],
  currency: "",
};

it("tells how many workers there may be", () => {
  expect([most(SCALING, "consumer"), most(SCALING, "model-server")]).toEqual([6, undefined]);
  expect([most(null, "consumer"), most(undefined, "consumer")]).toEqual([undefined, undefined]);
});

it("tells what comes and what keeps it", () => {
  expect(coming(POOL)).toBe("–");
  expect(coming({ ...POOL, asked: 2, starting: 1 })).toBe("2 asked for, 1 starting");
  expect(coming({ ...POOL, asked: 2, reason: "Resources" })).toBe("2 asked for (Resources)");
});

it("tells what is amiss with pools and with the engine", () => {
  const pools = [{ ...POOL, troubles: [TROUBLE] }];
  const found = troubles({ ...SCALING, pools, troubles: [{ ...TROUBLE, cause: "away" }] });
  expect(found.map((one) => `${one.about} ${one.trouble.cause}`)).toEqual([
    "SLURM away",
    "consumers refused",
  ]);
});

it("tells since when, and when it is tried again", () => {
  expect(lasting(TROUBLE, 280)).toBe("for 3 min, tried again in 2 min");
  expect(lasting(TROUBLE, 400)).toBe("for 5 min, tried again now");
  expect(lasting({ ...TROUBLE, again: null }, 160)).toBe("for 1 min");
});
