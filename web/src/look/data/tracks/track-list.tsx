import { useEffect, useMemo, useState } from "react";
import { useLookPart } from "../../selection";
import { shown } from "../columns";
import { Grid } from "../grid/grid";
import type { Order } from "../measurements";
import { daughtersOf, type Lane, type Tree } from "./lineage";

const COLUMNS = [
  { key: "label", title: "Track" },
  { key: "start", title: "First", unit: "frame" },
  { key: "end", title: "Last", unit: "frame" },
  { key: "frames", title: "Length", unit: "frames" },
  { key: "parent", title: "Parent" },
  { key: "daughters", title: "Daughters", text: true },
] as const;

/** Tracks with the frames they are seen in, where they come from and what became of them. */
export function TrackList(props: { tree: Tree; select: (lane: Lane) => void }) {
  const { tree, select } = props;
  const selected = useLookPart((look) => look.selected);
  const by = useLookPart((look) => look.selectedBy);
  const [order, setOrder] = useState<Order>({ column: "label", descending: false });
  const [goTo, setGoTo] = useState<{ row: number } | null>(null);
  const lanes = useMemo(() => {
    const sign = order.descending ? -1 : 1;
    const place = (lane: Lane) => told(lane, order.column) ?? Number.POSITIVE_INFINITY;
    return tree.lanes.toSorted(
      (a, b) => sign * (place(a) - place(b)) || a.track.label - b.track.label,
    );
  }, [tree, order]);
  const [label] = selected;
  useEffect(() => {
    const row = lanes.findIndex((lane) => lane.track.label === label);
    if (row >= 0 && by === "image") setGoTo({ row });
  }, [lanes, label, by]);
  return (
    <Grid
      label="Tracks"
      columns={COLUMNS}
      rows={lanes.length}
      cell={(row, key) => {
        const lane = lanes[row];
        if (!lane) return "";
        if (key !== "daughters") return shown(told(lane, key));
        return daughtersOf(tree, lane)
          .map((one) => one.track.label)
          .join(", ");
      }}
      isSelected={(row) => selected.has(lanes[row]?.track.label ?? 0)}
      order={order}
      sort={setOrder}
      pick={(row) => {
        const lane = lanes[row];
        if (lane) select(lane);
      }}
      goTo={goTo}
    />
  );
}

function told({ track }: Lane, key: string): number | null {
  const values: Record<string, number | null> = {
    label: track.label,
    start: track.start + 1,
    end: track.end + 1,
    frames: track.end - track.start + 1,
    parent: track.parent,
    daughters: track.children.length,
  };
  return values[key] ?? null;
}
