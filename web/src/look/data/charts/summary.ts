import { count, counted } from "../../../ui/words";
import { shown } from "../columns";
import { summaryOf } from "./bins";

/** A column in a sentence: how many values, the middle, the middle half, all. */
export function sentence(
  values: ArrayLike<number>,
  unit: string,
  of: { rows: number; what: string },
): string {
  const found = summaryOf(values);
  if (!found) return "No value is known.";
  const say = (value: number) => shown(value) + (unit && ` ${unit}`);
  const sampled = of.rows > values.length;
  const whose = sampled
    ? `${counted(found.count, of.what)}, a sample of ${count(of.rows)}`
    : counted(found.count, of.what);
  return (
    `${whose}: median ${say(found.median)}, half between ${shown(found.lower)} and ` +
    `${say(found.upper)}, all between ${shown(found.min)} and ${say(found.max)}.`
  );
}
