import { Group, SegmentedControl, Select, Skeleton, Switch, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import { Empty } from "../../../ui/empty";
import { ProblemView } from "../../../ui/problem-view";
import { counted } from "../../../ui/words";
import { useLook, useLookStore } from "../../selection";
import { comparable, titleWithUnit } from "../columns";
import { numbers, type Range, useSample } from "../measurements";
import { usePanel } from "../panel-state";
import { revealCell } from "../reveal-cell";
import { ScopeChoice } from "../scope-choice";
import { edgesOf } from "./bins";
import { type Box, Chart } from "./chart";
import { useChartColours } from "./chart-colours";
import { histogramOption, scatterOption } from "./chart-options";
import { ColourChoice } from "./colour-choice";
import { nearest } from "./points";
import { RangeForm } from "./range-form";
import { sentence } from "./summary";
import { useBrush } from "./use-brush";

type Kind = "histogram" | "scatter";

/** Columns of the measurements drawn against each other; a box selects the cells in it. */
export function Charts() {
  const store = useLookStore();
  const { image, selected, t, z } = useLook();
  const { where, filter, several, brushed } = usePanel();
  const colours = useChartColours();
  const choices = useMemo(() => comparable(image), [image]);
  const [kind, setKind] = useState<Kind>("histogram");
  const [names, setNames] = useState(() => firstDrawn(choices.map((one) => one.name)));
  const [logs, setLogs] = useState({ x: false, y: false, counts: false });
  const x = choices.find((one) => one.name === names.x) ?? choices[0];
  const y = choices.find((one) => one.name === names.y) ?? choices[0];
  const drawn = useMemo(
    () => (kind === "histogram" ? [x] : [x, y]).filter((one) => one !== undefined),
    [kind, x, y],
  );
  const asked = useMemo(
    () => [...new Set(["label", ...(several ? ["t", "z"] : []), ...drawn.map((one) => one.name)])],
    [several, drawn],
  );
  const sample = useSample(where, asked, filter);
  const columns = useMemo(
    () =>
      Object.fromEntries(
        Object.entries(sample.data?.columns ?? {}).map(([name, all]) => [name, numbers(all)]),
      ),
    [sample.data],
  );
  const brush = useBrush();
  const axes = useMemo(
    () =>
      [
        { title: x ? titleWithUnit(x) : "", log: logs.x },
        { title: y ? titleWithUnit(y) : "", log: logs.y },
      ] as const,
    [x, y, logs],
  );
  const values = useMemo(
    () => ({ x: columns[x?.name ?? ""] ?? [], y: columns[y?.name ?? ""] ?? [] }),
    [columns, x, y],
  );
  const edges = useMemo(() => edgesOf(values.x, logs.x), [values, logs.x]);
  const option = useMemo(() => {
    const isSelected = (row: number) =>
      selected.has(columns.label?.[row] ?? 0) &&
      (!several || image.tracks || (columns.t?.[row] === t && columns.z?.[row] === z));
    return kind === "histogram"
      ? histogramOption(values.x, edges, isSelected, axes[0], logs.counts, colours)
      : scatterOption({ ...values, selected: isSelected }, axes[0], axes[1], colours);
  }, [kind, values, edges, axes, logs.counts, colours, columns, selected, several, image, t, z]);
  const box = useMemo(() => boxOf(brushed?.ranges, drawn), [brushed, drawn]);

  if (!x || !y) {
    return (
      <Empty title="Nothing to draw">No column of these measurements has numbers in it.</Empty>
    );
  }
  const onBox = (made: Box | null) => {
    if (!made) return brush.clear();
    const sides = [made.x, made.y ?? []];
    void brush.select(drawn.map((one, i) => rangeOf(one.name, sides[i] ?? [])));
  };
  const onClick = (near: Box) => {
    const row = kind === "scatter" ? nearest(values, near, axes) : undefined;
    const label = row === undefined ? undefined : columns.label?.[row];
    if (row === undefined || label === undefined) return;
    void revealCell(store, where, {
      label,
      t: columns.t?.[row] ?? t,
      z: columns.z?.[row] ?? z,
    });
  };
  const what = several ? "row" : "cell";
  const told = sentence(values.x, x.unit, { rows: sample.data?.rows ?? 0, what });
  const data = choices.map((one) => ({ value: one.name, label: titleWithUnit(one) }));
  return (
    <>
      <Group gap="xs" justify="space-between">
        <SegmentedControl
          size="xs"
          aria-label="Kind of chart"
          value={kind}
          onChange={setKind}
          data={[
            { value: "histogram", label: "Histogram" },
            { value: "scatter", label: "Scatter" },
          ]}
        />
        <ScopeChoice />
      </Group>
      <Group gap="xs" align="end" grow preventGrowOverflow={false}>
        <Select
          size="xs"
          label={kind === "histogram" ? "Column" : "Across"}
          data={data}
          value={x.name}
          allowDeselect={false}
          searchable
          onChange={(name) => name && setNames((now) => ({ ...now, x: name }))}
        />
        {kind === "scatter" && (
          <Select
            size="xs"
            label="Upwards"
            data={data}
            value={y.name}
            allowDeselect={false}
            searchable
            onChange={(name) => name && setNames((now) => ({ ...now, y: name }))}
          />
        )}
      </Group>
      <Group gap="md">
        <Switch
          size="xs"
          label="Logarithmic across"
          checked={logs.x}
          onChange={(event) => setLogs({ ...logs, x: event.currentTarget.checked })}
        />
        <Switch
          size="xs"
          label={kind === "histogram" ? "Logarithmic counts" : "Logarithmic upwards"}
          checked={kind === "histogram" ? logs.counts : logs.y}
          onChange={(event) => {
            const log = event.currentTarget.checked;
            setLogs(kind === "histogram" ? { ...logs, counts: log } : { ...logs, y: log });
          }}
        />
      </Group>
      {sample.isError ? (
        <ProblemView
          title="The measurements could not be read"
          error={sample.error}
          retry={() => void sample.refetch()}
        />
      ) : sample.data ? (
        <Chart
          option={option}
          across={kind === "histogram"}
          box={box}
          onBox={onBox}
          onClick={onClick}
          label={`${kind === "histogram" ? "Histogram" : "Scatter plot"} of ${drawn.map((one) => titleWithUnit(one)).join(" and ")}. ${told}`}
        />
      ) : (
        <Skeleton height={260} role="status" aria-label="Loading" />
      )}
      <Text size="sm" c="dimmed">
        {told} Draw a box around cells to select them, or give the numbers.
      </Text>
      <RangeForm
        columns={drawn}
        ranges={brushed?.ranges ?? null}
        select={(ranges) => void brush.select(ranges)}
        clear={brush.clear}
        told={brush.told || (selected.size > 0 ? `${counted(selected.size, "cell")} selected` : "")}
      />
      <ColourChoice column={x} />
    </>
  );
}

/** Size, and brightness over it. */
function firstDrawn(names: readonly string[]): { x: string; y: string } {
  const x = ["area_um2", "area"].find((name) => names.includes(name)) ?? names[0] ?? "";
  const y = names.find((name) => name.startsWith("intensity_mean-")) ?? names[1] ?? x;
  return { x, y };
}

function rangeOf(column: string, side: readonly number[]): Range {
  return { column, low: Math.min(...side), high: Math.max(...side) };
}

/** The box of ranges that are of these columns; null of others. */
function boxOf(
  ranges: readonly Range[] | undefined,
  drawn: readonly { name: string }[],
): Box | null {
  const sides = drawn.map(({ name }) => ranges?.find((one) => one.column === name));
  if (ranges?.length !== drawn.length) return null;
  const [x, y] = sides.map((one) => one && [one.low, one.high]);
  return x ? { x, y } : null;
}
