import { Group, SegmentedControl, Select, Skeleton, Switch, Text } from "@mantine/core";
import { useMemo, useState } from "react";
import { Empty } from "../../../ui/empty";
import { ProblemView } from "../../../ui/problem-view";
import { counted } from "../../../ui/words";
import { useLookPart, useLookStore } from "../../selection";
import { usePanel } from "../panel-state";
import { revealCell } from "../reveal-cell";
import { type Lane, treeOf } from "./lineage";
import { LineageTree } from "./lineage-tree";
import { TrackList } from "./track-list";
import { drawable, type PathsShown } from "./track-paths";
import { useTree } from "./track-queries";

type Shape = "tree" | "list";

/** What became of the cells of a movie: who divided into whom, and their ways on the image. */
export function Tracks() {
  const store = useLookStore();
  const image = useLookPart((look) => look.image);
  const { where, paths, setPaths, pathsError } = usePanel();
  const [shape, setShape] = useState<Shape>("tree");
  const [only, setOnly] = useState(false);
  const found = useTree(where, true);
  const tree = useMemo(() => {
    if (!found.data || !only) return found.data;
    const families = found.data.lanes.filter((lane) => lane.family.end - lane.family.first > 1);
    return treeOf(families.map((lane) => lane.track));
  }, [found.data, only]);

  if (found.isError) {
    return (
      <ProblemView
        title="The tracks could not be read"
        error={found.error}
        retry={() => void found.refetch()}
      />
    );
  }
  if (!tree || !found.data) return <Skeleton height={280} role="status" aria-label="Loading" />;

  const select = (lane: Lane, frame?: number) => {
    const { start, end, label } = lane.track;
    const { t, z } = store.get();
    const nearest = Math.min(Math.max(frame ?? t, start), end);
    void revealCell(store, where, { label, t: nearest, z });
  };
  const divided = found.data.lanes.filter((lane) => lane.track.children.length > 1).length;
  const families = new Set(found.data.lanes.map((lane) => lane.family)).size;
  const can = drawable(image);
  return (
    <>
      <Group gap="xs" justify="space-between">
        <SegmentedControl
          size="xs"
          aria-label="Tracks as"
          value={shape}
          onChange={setShape}
          data={[
            { value: "tree", label: "Tree" },
            { value: "list", label: "List" },
          ]}
        />
        <Switch
          size="sm"
          label="Only families with divisions"
          checked={only}
          onChange={(event) => setOnly(event.currentTarget.checked)}
        />
      </Group>
      <Group gap="xs" justify="space-between">
        <Text size="sm" c="dimmed">
          {counted(found.data.lanes.length, "track")} in {counted(families, "family", "families")},{" "}
          {counted(divided, "division")}
        </Text>
        {can.any && (
          <Select
            size="xs"
            w={132}
            aria-label="Paths on the movie"
            allowDeselect={false}
            value={paths}
            onChange={(value) => setPaths((value ?? "none") as PathsShown)}
            data={[
              { value: "all", label: "All paths", disabled: !can.all },
              { value: "family", label: "Family’s paths" },
              { value: "none", label: "No paths" },
            ]}
          />
        )}
      </Group>
      {Boolean(pathsError) && <ProblemView title="No paths could be drawn" error={pathsError} />}
      {tree.lanes.length === 0 ? (
        <Empty title="No divisions">No cell was seen to divide in this movie.</Empty>
      ) : shape === "tree" ? (
        <LineageTree tree={tree} frames={image.shape.t} select={select} />
      ) : (
        <TrackList tree={tree} select={select} />
      )}
    </>
  );
}
