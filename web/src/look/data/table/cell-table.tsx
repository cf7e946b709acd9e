import { Group, Switch, Text } from "@mantine/core";
import { useDebouncedValue, useLocalStorage } from "@mantine/hooks";
import { useCallback, useEffect, useMemo, useState } from "react";
import { ProblemView } from "../../../ui/problem-view";
import { count, counted } from "../../../ui/words";
import { useLook } from "../../selection";
import { firstShown, lengthOf, shown, titleOf } from "../columns";
import { Grid } from "../grid/grid";
import type { RowWindow } from "../grid/window";
import { type Order, placeOf, useRows } from "../measurements";
import { selectedRows, usePanel } from "../panel-state";
import { PLACE, placeAt } from "../reveal-cell";
import { ScopeChoice } from "../scope-choice";
import { ColumnMenu } from "./column-menu";
import { TakeRows } from "./take-rows";

/** Columns that are asked for whatever is shown: which cell a row is of, and where it is. */
const NEEDED = ["label", "t", "z", ...PLACE];

/** Milliseconds for which one scrolls past rows before they are asked for. */
const PAUSE = 60;

/** The measurements of all cells: what is clicked is selected in the image, and the other way. */
export function CellTable() {
  const look = useLook();
  const { image, selected, t, z } = look;
  const { where, filter, brushed, several } = usePanel();
  const [chosen, choose] = useLocalStorage<string[] | null>({
    key: "cytomill-columns",
    defaultValue: null,
  });
  const [order, setOrder] = useState<Order>({ column: "label", descending: false });
  const [only, setOnly] = useState(false);
  const [view, setView] = useState<RowWindow>({ first: 0, end: 0, top: 0 });
  const [goTo, setGoTo] = useState<{ row: number } | null>(null);

  const known = useMemo(() => new Set(image.columns.map((one) => one.name)), [image.columns]);
  const names = useMemo(() => {
    const wanted = chosen?.filter((name) => known.has(name)) ?? [];
    return wanted.length > 0 ? wanted : firstShown(image);
  }, [chosen, known, image]);
  const asked = useMemo(
    () => [...new Set([...NEEDED.filter((name) => known.has(name)), ...names])],
    [known, names],
  );
  const picked = useMemo(
    () => selectedRows(selected, brushed, filter),
    [selected, brushed, filter],
  );
  const narrowed = only && selected.size > 0;
  const rowsOf = narrowed ? picked.filter : filter;
  const [{ first, end }] = useDebouncedValue(view, PAUSE, { leading: true });
  const found = useRows(where, asked, rowsOf, order, first, end);

  useFollowing(narrowed, order, setGoTo);

  const columns = names.map((key) => {
    const facts = image.columns.find((one) => one.name === key);
    return {
      key,
      title: titleOf(key),
      unit: facts?.unit,
      hint: key,
      text: facts?.kind === "text",
      length: facts && lengthOf(facts),
    };
  });
  const cell = (row: number, key: string) => {
    const value = found.value(row, key);
    return value === undefined ? undefined : shown(value, key);
  };
  const numberOf = (row: number, key: string) => {
    const value = found.value(row, key);
    return typeof value === "number" ? value : undefined;
  };
  const isSelected = (row: number) => {
    const label = numberOf(row, "label");
    if (label === undefined || !selected.has(label)) return false;
    return !several || image.tracks || (numberOf(row, "t") === t && numberOf(row, "z") === z);
  };
  const pick = (row: number, add: boolean) => {
    const label = numberOf(row, "label");
    if (label === undefined) return;
    const at = (key: string) => numberOf(row, key);
    const plane = { t: at("t") ?? t, z: at("z") ?? z };
    const size = at("equivalent_diameter_area");
    const place = placeAt(plane, at("centroid-0"), at("centroid-1"), size);
    if (!add) return look.select([label], { reveal: true, place });
    const others = [...selected].filter((one) => one !== label);
    look.select(selected.has(label) ? others : [label, ...others]);
  };
  const seen = useCallback((rows: RowWindow) => setView(rows), []);

  return (
    <>
      <Group gap="xs" justify="space-between">
        <ScopeChoice />
        <Text size="sm" c="dimmed" aria-live="polite">
          {found.rows === undefined ? "Loading" : counted(found.rows, several ? "row" : "cell")}
          {selected.size > 0 && `, ${count(selected.size)} selected`}
        </Text>
      </Group>
      <Group gap="xs" justify="space-between">
        <Switch
          size="sm"
          label="Only selected"
          disabled={selected.size === 0}
          checked={narrowed}
          onChange={(event) => setOnly(event.currentTarget.checked)}
        />
        <Group gap={4}>
          <ColumnMenu columns={image.columns} shown={names} choose={choose} />
          <TakeRows filter={picked.filter} left={picked.left} shown={names} />
        </Group>
      </Group>
      {found.error ? (
        <ProblemView
          title="The measurements could not be read"
          error={found.error}
          retry={found.retry}
        />
      ) : (
        <Grid
          label="Measurements"
          columns={columns}
          rows={found.rows ?? 0}
          cell={cell}
          isSelected={isSelected}
          order={order}
          sort={setOrder}
          pick={pick}
          seen={seen}
          goTo={goTo}
        />
      )}
    </>
  );
}

/** Goes to the row of a cell that was selected in the image, or when rows change their order. */
function useFollowing(
  narrowed: boolean,
  order: Order,
  setGoTo: (to: { row: number }) => void,
): void {
  const { selected, selectedBy, t, z } = useLook();
  const { where, filter, scope } = usePanel();
  const [label] = selectedBy === "image" && !narrowed ? selected : [];
  useEffect(() => {
    if (label === undefined) return;
    let left = false;
    const find = { label, t, z };
    const asked = scope === "plane" ? filter : {};
    placeOf(where, asked, order, find).then(
      (row) => {
        if (!left && row !== null) setGoTo({ row });
      },
      // The table itself says what is wrong.
      () => undefined,
    );
    return () => {
      left = true;
    };
  }, [label, t, z, where, filter, scope, order, setGoTo]);
}
