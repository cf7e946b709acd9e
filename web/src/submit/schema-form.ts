/** Forms from JSON schemas: which fields there are, what may be put into them, what is sent. */

export type Value = string | number | boolean | null;
export type Values = Record<string, Value>;

/** A field of a form. */
export interface Field {
  name: string;
  label: string;
  help: string;
  unit: string;
  kind: "text" | "number" | "integer" | "switch" | "choice";
  choices: string[];
  /** Least and largest value, and whether they themselves are out of it. */
  min: number | null;
  max: number | null;
  minOut: boolean;
  maxOut: boolean;
  required: boolean;
  /** Whether it may be left empty. */
  nullable: boolean;
  initial: Value;
  /** Whether most people never need it. */
  rare: boolean;
}

/** Fields that are seen at once; the others are behind "More options". */
const SEEN = 4;

type Schema = Record<string, unknown>;

/** The fields of an object's schema, in its order. What no form could show is left out. */
export function fieldsOf(schema: unknown): Field[] {
  const { properties, required } = asSchema(schema);
  const needed = Array.isArray(required) ? required : [];
  const found = Object.entries(asSchema(properties)).flatMap(([name, one]) => {
    const field = fieldOf(name, asSchema(one), schema, needed.includes(name));
    return field ? [field] : [];
  });
  return found.map((field, index) => ({ ...field, rare: index >= SEEN && !field.required }));
}

/** What the fields hold before anybody has touched them. */
export function initialOf(fields: Field[]): Values {
  return Object.fromEntries(fields.map((field) => [field.name, field.initial]));
}

/** The values that are not those the kiosk would take anyway. */
export function changed(fields: Field[], values: Values): Values {
  const found = fields
    .map((field): [string, Value] => [field.name, settled(field, values[field.name] ?? null)])
    .filter(([name, value]) => {
      const initial = fields.find((field) => field.name === name)?.initial ?? null;
      return value !== initial;
    });
  return Object.fromEntries(found);
}

/** What is wrong with a value, in words; empty where nothing is. */
export function faultOf(field: Field, given: Value): string {
  const value = settled(field, given);
  if (value === null || value === "") return field.required ? "Choose one; this is needed." : "";
  if (field.kind !== "number" && field.kind !== "integer") return "";
  if (typeof value !== "number" || !Number.isFinite(value)) return "Write a number.";
  if (field.kind === "integer" && !Number.isInteger(value)) return "Write a whole number.";
  const unit = field.unit ? ` ${field.unit}` : "";
  if (field.min !== null && (field.minOut ? value <= field.min : value < field.min)) {
    return `Must be ${field.minOut ? "more than" : "at least"} ${field.min}${unit}.`;
  }
  if (field.max !== null && (field.maxOut ? value >= field.max : value > field.max)) {
    return `Must be ${field.maxOut ? "less than" : "at most"} ${field.max}${unit}.`;
  }
  return "";
}

/** The option that a refusal of the kiosk is about; empty where it is about none of `fields`. */
export function optionOf(fields: Field[], message: string): string {
  const named = /\boption '?([a-z][a-z0-9_]*)/i.exec(message)?.[1];
  if (named && fields.some((field) => field.name === named)) return named;
  const first = /^(?:[a-z_]+\.)?([a-z][a-z0-9_]*)[ :]/i.exec(message)?.[1]?.toLowerCase();
  return fields.find((field) => field.name === first)?.name ?? "";
}

/** `frame_interval` as "Frame interval". */
export function labelOf(name: string): string {
  const words = name.replaceAll("_", " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The unit of a value, as its description tells it. */
export function unitOf(description: string): string {
  if (/\bin (µm|microns)\b/.test(description)) return "µm";
  if (/^Minutes\b|\bin minutes\b/.test(description)) return "min";
  if (/^Seconds\b|\bin seconds\b/.test(description)) return "s";
  if (/^Pixels\b|\bin pixels\b/.test(description)) return "px";
  if (/^Frames\b|\bin frames\b/.test(description)) return "frames";
  return "";
}

function fieldOf(name: string, given: Schema, root: unknown, required: boolean): Field | null {
  const { one, nullable } = without(resolved(given, root), root);
  const choices = choicesOf(one);
  const kind = choices.length > 0 ? "choice" : KINDS[String(one.type)];
  if (!kind) return null;
  const help = typeof given.description === "string" ? given.description : "";
  const unit = typeof given.unit === "string" ? given.unit : unitOf(help);
  return {
    name,
    label: labelOf(name),
    help,
    unit: kind === "number" || kind === "integer" ? unit : "",
    kind,
    choices,
    min: numberIn(one.minimum) ?? numberIn(one.exclusiveMinimum),
    max: numberIn(one.maximum) ?? numberIn(one.exclusiveMaximum),
    minOut: numberIn(one.minimum) === null && numberIn(one.exclusiveMinimum) !== null,
    maxOut: numberIn(one.maximum) === null && numberIn(one.exclusiveMaximum) !== null,
    required,
    nullable,
    initial: initial(given.default, kind),
    rare: false,
  };
}

const KINDS: Record<string, Field["kind"]> = {
  string: "text",
  number: "number",
  integer: "integer",
  boolean: "switch",
};

function initial(value: unknown, kind: Field["kind"]): Value {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  return kind === "switch" ? false : null;
}

/** A schema behind its references. */
function resolved(given: Schema, root: unknown): Schema {
  const reference = given.$ref;
  if (typeof reference !== "string") return given;
  const { $defs } = asSchema(root);
  return { ...asSchema(asSchema($defs)[reference.replace("#/$defs/", "")]), ...given };
}

/** A schema without its null, and whether it had one. */
function without(given: Schema, root: unknown): { one: Schema; nullable: boolean } {
  const several = given.anyOf ?? given.oneOf ?? given.allOf;
  if (!Array.isArray(several)) return { one: given, nullable: false };
  const all = several.map((one) => resolved(asSchema(one), root));
  const rest = all.filter((one) => one.type !== "null");
  return { one: rest[0] ?? {}, nullable: rest.length < all.length };
}

function choicesOf(one: Schema): string[] {
  if (typeof one.const === "string") return [one.const];
  return Array.isArray(one.enum) ? one.enum.filter((choice) => typeof choice === "string") : [];
}

/** A value as it is sent: an empty field is none. */
function settled(field: Field, value: Value): Value {
  if (value !== "") return value;
  return field.nullable || field.kind !== "text" ? null : value;
}

function asSchema(given: unknown): Schema {
  return typeof given === "object" && given !== null ? (given as Schema) : {};
}

function numberIn(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
