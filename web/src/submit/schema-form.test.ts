import { describe, expect, it } from "vitest";
import { changed, faultOf, fieldsOf, initialOf, labelOf, optionOf, unitOf } from "./schema-form";

const schema = {
  $defs: { Mode: { enum: ["fast", "exact"], type: "string" } },
  properties: {
    channel: {
      anyOf: [{ type: "string" }, { type: "null" }],
      default: null,
      description: "Channel that shows the nuclei.",
    },
    pixel_size: {
      anyOf: [{ type: "number", minimum: 0.01, maximum: 5 }, { type: "null" }],
      default: null,
      description: "Size of a pixel in µm, where the file does not say.",
    },
    contrast: { default: "linear", enum: ["linear", "log"], type: "string" },
    measure: { default: true, type: "boolean" },
    max_gap: { default: 4, minimum: 0, maximum: 100, type: "integer", description: "Frames that" },
    interval: { anyOf: [{ exclusiveMinimum: 0, type: "number" }, { type: "null" }], unit: "h" },
    mode: { $ref: "#/$defs/Mode", default: "fast" },
    model: { type: "string" },
    odd: { type: "array" },
  },
  required: ["model"],
};

const fields = fieldsOf(schema);

function field(name: string) {
  const found = fields.find((one) => one.name === name);
  if (!found) throw new Error(name);
  return found;
}

describe("fieldsOf", () => {
  it("knows kinds, choices, limits and units", () => {
    expect(field("contrast")).toMatchObject({ kind: "choice", choices: ["linear", "log"] });
    expect(field("pixel_size")).toMatchObject({ kind: "number", nullable: true, unit: "µm" });
    expect(field("max_gap")).toMatchObject({ kind: "integer", min: 0, max: 100, unit: "frames" });
    expect(field("interval")).toMatchObject({ min: 0, minOut: true, unit: "h" });
    expect(field("mode")).toMatchObject({ kind: "choice", initial: "fast" });
    expect(field("measure")).toMatchObject({ kind: "switch", initial: true });
  });

  it("leaves out what no form can show", () => {
    expect(fields.map((one) => one.name)).not.toContain("odd");
    expect(fieldsOf(null)).toEqual([]);
  });

  it("shows the first ones and those that are needed", () => {
    expect(fields.filter((one) => !one.rare).map((one) => one.name)).toEqual([
      "channel",
      "pixel_size",
      "contrast",
      "measure",
      "model",
    ]);
  });
});

describe("faultOf", () => {
  it("tells limits with their unit", () => {
    expect(faultOf(field("pixel_size"), 9)).toBe("Must be at most 5 µm.");
    expect(faultOf(field("interval"), 0)).toBe("Must be more than 0 h.");
    expect(faultOf(field("max_gap"), 1.5)).toBe("Write a whole number.");
    expect(faultOf(field("pixel_size"), "x")).toBe("Write a number.");
  });

  it("lets empty fields be, but those that are needed", () => {
    expect(faultOf(field("pixel_size"), "")).toBe("");
    expect(faultOf(field("model"), "")).not.toBe("");
    expect(faultOf(field("max_gap"), 0)).toBe("");
  });
});

it("sends what was changed and nothing else", () => {
  const values = initialOf(fields);
  expect(changed(fields, values)).toEqual({});
  expect(
    changed(fields, { ...values, channel: "DAPI", pixel_size: "", measure: false, max_gap: 4 }),
  ).toEqual({ channel: "DAPI", measure: false });
});

it("finds the option that the kiosk's words are about", () => {
  expect(optionOf(fields, "Nuclei: option pixel_size=9.0: input should be less")).toBe(
    "pixel_size",
  );
  expect(optionOf(fields, "Nuclei has no option 'contrast'; its options are: model")).toBe(
    "contrast",
  );
  expect(optionOf(fields, "Model 'x': there is none; the models are: y")).toBe("model");
  expect(optionOf(fields, "options.max_gap: is wrong")).toBe("max_gap");
  expect(optionOf(fields, "You have 1000 jobs at work already.")).toBe("");
});

it("makes words of names and finds units", () => {
  expect(labelOf("frame_interval")).toBe("Frame interval");
  expect(unitOf("Minutes from one frame to the next")).toBe("min");
  expect(unitOf("Least size of an object in pixels.")).toBe("px");
  expect(unitOf("Size of a pixel in µm")).toBe("µm");
  expect(unitOf("Whether cells divide.")).toBe("");
});
