import { expect, it } from "vitest";
import { sentence } from "./summary";

it("says median, quartiles and ends with their unit", () => {
  expect(sentence([1, 2, 3, 4, 5], "µm²", { rows: 5, what: "cell" })).toBe(
    "5 cells: median 3 µm², half between 2 and 4 µm², all between 1 and 5 µm².",
  );
});

it("says where it knows a sample only, and where it knows nothing", () => {
  expect(sentence([1, 1], "", { rows: 4000, what: "row" })).toMatch(/^2 rows, a sample of 4,000: /);
  expect(sentence([Number.NaN], "µm", { rows: 1, what: "cell" })).toBe("No value is known.");
});
