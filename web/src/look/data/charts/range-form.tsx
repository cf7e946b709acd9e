import { Button, Group, NumberInput, Text } from "@mantine/core";
import { type FormEvent, useEffect, useState } from "react";
import type { ColumnFacts } from "../../facts";
import { titleWithUnit } from "../columns";
import type { Range } from "../measurements";

/** The box of a chart in numbers: what is drawn in it is told here, and the other way. */
export function RangeForm(props: {
  columns: readonly ColumnFacts[];
  ranges: readonly Range[] | null;
  select: (ranges: readonly Range[]) => void;
  clear: () => void;
  /** What is going on, such as "Reading 40 %". */
  told: string;
}) {
  const { columns, ranges, told } = props;
  const [typed, type] = useState<Record<string, number | string>>({});
  useEffect(() => {
    const ends = ranges?.flatMap(({ column, low, high }) => [
      [`${column} low`, rounded(low)],
      [`${column} high`, rounded(high)],
    ]);
    type(Object.fromEntries(ends ?? []));
  }, [ranges]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const given = columns.map((one) => ({
      column: one.name,
      low: numberOf(typed[`${one.name} low`], one.min ?? 0),
      high: numberOf(typed[`${one.name} high`], one.max ?? 0),
    }));
    props.select(given);
  };
  const field = (column: ColumnFacts, end: "low" | "high", words: string, hint: number | null) => (
    <NumberInput
      size="xs"
      w={104}
      hideControls
      aria-label={`${titleWithUnit(column)} ${words}`}
      placeholder={hint === null ? undefined : String(rounded(hint))}
      value={typed[`${column.name} ${end}`] ?? ""}
      onChange={(value) => type((now) => ({ ...now, [`${column.name} ${end}`]: value }))}
    />
  );
  return (
    <form onSubmit={submit}>
      {columns.map((column) => (
        <Group key={column.name} gap={6} mb={6} wrap="wrap">
          <Text size="sm" w={140} truncate title={column.name}>
            {titleWithUnit(column)}
          </Text>
          {field(column, "low", "from", column.min)}
          <Text size="sm" c="dimmed">
            to
          </Text>
          {field(column, "high", "to", column.max)}
        </Group>
      ))}
      <Group gap="xs">
        <Button type="submit" size="compact-sm" variant="light">
          Select these cells
        </Button>
        <Button size="compact-sm" variant="subtle" disabled={!ranges} onClick={props.clear}>
          Clear
        </Button>
        <Text size="sm" c="dimmed" role="status">
          {told}
        </Text>
      </Group>
    </form>
  );
}

function numberOf(typed: number | string | undefined, otherwise: number): number {
  return typeof typed === "number" ? typed : otherwise;
}

/** Five digits are more than a hand draws. */
function rounded(value: number): number {
  return Number(value.toPrecision(5));
}
