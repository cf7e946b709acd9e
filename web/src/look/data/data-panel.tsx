import { Box, Skeleton, Tabs } from "@mantine/core";
import { lazy, Suspense, useCallback, useMemo, useState } from "react";
import { Empty } from "../../ui/empty";
import { Pending } from "../../ui/pending";
import { useLookPart, useLookStore } from "../selection";
import { useColouring } from "./charts/colouring";
import style from "./data-panel.module.css";
import type { Filter } from "./measurements";
import { type Brushed, PanelContext, type PanelState, type Scope } from "./panel-state";
import { CellTable } from "./table/cell-table";
import { firstPaths, useTrackPaths } from "./tracks/track-paths";
import { useTree } from "./tracks/track-queries";

const Charts = lazy(() => import("./charts/charts").then((m) => ({ default: m.Charts })));
const Tracks = lazy(() => import("./tracks/tracks").then((m) => ({ default: m.Tracks })));

/** Table, charts and tracks of the image that is looked at. */
export function DataPanel() {
  const image = useLookPart((look) => look.image);
  const state = usePanelState();
  const [tab, setTab] = useState<string | null>("table");
  if (image.rows === 0) return <Nothing objects={Boolean(image.labels)} />;
  return (
    <PanelContext value={state}>
      <Tabs value={tab} onChange={setTab} className={style.panel} keepMounted={false}>
        <Tabs.List aria-label="Data of this image">
          <Tabs.Tab value="table">Table</Tabs.Tab>
          <Tabs.Tab value="charts">Charts</Tabs.Tab>
          {image.tracks && <Tabs.Tab value="tracks">Tracks</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="table" className={style.tab}>
          <CellTable />
        </Tabs.Panel>
        <Tabs.Panel value="charts" className={style.tab}>
          <Suspense fallback={<Waiting />}>
            <Charts />
          </Suspense>
        </Tabs.Panel>
        {image.tracks && (
          <Tabs.Panel value="tracks" className={style.tab}>
            <Suspense fallback={<Waiting />}>
              <Tracks />
            </Suspense>
          </Tabs.Panel>
        )}
      </Tabs>
    </PanelContext>
  );
}

function usePanelState(): PanelState {
  const store = useLookStore();
  const { job, index, imageNumber, image } = store.get();
  const t = useLookPart((look) => look.t);
  const z = useLookPart((look) => look.z);
  const selected = useLookPart((look) => look.selected);
  const several = image.shape.t > 1 || image.shape.z > 1;
  const [scope, setScope] = useState<Scope>(several ? "plane" : "all");
  const [last, setLast] = useState<{ of: ReadonlySet<number>; how: Brushed } | null>(null);
  const brush = useCallback(
    (labels: Iterable<number>, how: Brushed) => {
      store.select(labels, { by: "data" });
      setLast({ of: store.get().selected, how });
    },
    [store],
  );
  const colourBy = useLookPart((look) => look.colourBy);
  const where = useMemo(() => ({ job, index, imageNumber }), [job, index, imageNumber]);
  const column = image.columns.find((one) => one.name === colourBy);
  const colouringError = useColouring(where, column, several);
  const [paths, setPaths] = useState(() => firstPaths(image));
  const tree = useTree(where, paths === "family");
  const pathsError = useTrackPaths(where, paths, tree.data) ?? tree.error;
  return useMemo(() => {
    const filter: Filter = scope === "plane" ? { t, z } : {};
    const brushed = last?.of === selected ? last.how : null;
    const colours = { colourBy, setColourBy: store.setColourBy, colouringError };
    const ways = { paths, setPaths, pathsError };
    return { where, several, scope, setScope, filter, brushed, brush, ...colours, ...ways };
  }, [
    where,
    several,
    scope,
    t,
    z,
    last,
    selected,
    brush,
    colourBy,
    colouringError,
    paths,
    pathsError,
    store,
  ]);
}

function Waiting() {
  return (
    <Pending gap="xs">
      <Skeleton height={30} />
      <Skeleton height={240} />
    </Pending>
  );
}

/** What is said of an image that has no rows. */
function Nothing(props: { objects: boolean }) {
  return (
    <Box className={style.panel}>
      <Empty title="No measurements">
        {props.objects
          ? "No cells were found in this image, or the job did not measure them. Submit it again with “measure” switched on to get a table."
          : "There is nothing to measure yet: this image has no result."}
      </Empty>
    </Box>
  );
}
