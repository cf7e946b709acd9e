import { expect, it } from "vitest";
import { lifetimes, usual } from "./lifetimes";

const values = (me: { user: string; expires: number }, now = 0) =>
  lifetimes(me, now).map((one) => one.value);

it("offers everything to whose own token has no end", () => {
  expect(values({ user: "ann", expires: 0 })).toEqual(["7", "30", "90", "365", "0"]);
  expect(lifetimes({ user: "ann", expires: 0 }, 0).at(-1)?.label).toBe("Without an end");
});

it("offers nothing that lasts longer than one's own", () => {
  expect(values({ user: "ann", expires: 31 * 86_400 })).toEqual(["7", "30", "0"]);
  expect(values({ user: "ann", expires: 3600 })).toEqual(["0"]);
  expect(lifetimes({ user: "ann", expires: 3600 }, 0)[0]?.label).toContain("As long as your own");
});

it("binds nobody to the minutes of what a provider says", () => {
  expect(values({ user: "oidc.u1", expires: 600 })).toEqual(["7", "30", "90", "365", "0"]);
});

it("begins with a quarter of a year, or with what there is", () => {
  expect(usual(lifetimes({ user: "ann", expires: 0 }, 0))).toBe("90");
  expect(usual(lifetimes({ user: "ann", expires: 3600 }, 0))).toBe("0");
});
