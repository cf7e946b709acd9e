import { describe, expect, it } from "vitest";
import { notes } from "./notes";

const fine = { waiting_for: "", draining: false, clock: 4.9 };

describe("notes", () => {
  it("says nothing of a consumer that does well", () => {
    expect(notes(fine)).toEqual([]);
  });

  it("says what it waits for, that it ends, and that its clock is wrong", () => {
    const waits = { ...fine, waiting_for: "a model server, which is not there" };
    expect(notes(waits)).toEqual(["waits for a model server, which is not there"]);
    expect(notes({ ...fine, draining: true })).toEqual(["takes nothing more: it is to end"]);
    expect(notes({ ...fine, clock: -90 })).toEqual(["its clock is wrong by 1 min 30 s"]);
  });
});
