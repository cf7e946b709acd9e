import { expect, it } from "vitest";
import { csvOf } from "./csv";

it("writes a head, numbers as they are and nothing for what is not known", () => {
  const columns = { label: [1, 2], area: [0.1 + 0.2, null], filled: [true, false] };
  expect(csvOf(["label", "area", "filled"], columns)).toBe(
    "label,area,filled\r\n1,0.30000000000000004,true\r\n2,,false\r\n",
  );
});

it("goes on without a head", () => {
  expect(csvOf(["label"], { label: [3] }, false)).toBe("3\r\n");
  expect(csvOf(["label"], { label: [] }, false)).toBe("");
});

it("quotes what needs it and lets no name be a formula", () => {
  const image = ['a,"b".tif', "=1+1", "-x", "two\nlines"];
  expect(csvOf(["image"], { image }, false)).toBe(
    '"a,""b"".tif"\r\n\'=1+1\r\n\'-x\r\n"two\nlines"\r\n',
  );
});
