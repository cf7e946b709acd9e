import { expect, it } from "vitest";
import { money } from "./spent";

it("adds costs up", () => {
  const costs = [{ spent: 1.2, currency: "EUR" }, null, { spent: 0.15, currency: "EUR" }];
  expect(money(costs)).toBe("1.35 EUR");
});

it("knows none where no price is set", () => {
  expect([money(undefined), money([]), money([null])]).toEqual([undefined, undefined, undefined]);
});

it("does not say that little is nothing", () => {
  const little = money([{ spent: 0.0004, currency: "EUR" }]);
  expect([little, money([{ spent: 0, currency: "EUR" }])]).toEqual(["< 0.01 EUR", "0.00 EUR"]);
});
