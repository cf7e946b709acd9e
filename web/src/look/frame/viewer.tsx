import { Drawer, Skeleton } from "@mantine/core";
import { useLocalStorage, useMediaQuery } from "@mantine/hooks";
import { type CSSProperties, lazy, type ReactNode, Suspense, useState } from "react";
import { Controls } from "../controls/controls";
import { CANVAS, INK, LINE, MARK, SHADE } from "../draw/colours";
import type { Stage } from "../draw/stage";
import { usePyramids } from "../pixels/opening";
import { useLookPart, useLookStore } from "../selection";
import { Bar, type BarProps } from "./bar";
import { Canvas } from "./canvas";
import classes from "./frame.module.css";
import { useFullScreen } from "./full-screen";
import { Notices } from "./notices";
import { Overview } from "./overview";
import { savePicture } from "./picture";
import { Planes } from "./planes";
import { Scale } from "./scale";
import { Split } from "./split";
import { Status } from "./status";
import { Tools } from "./tools";
import { View, ViewContext } from "./view";
import { Zoom } from "./zoom";

const DataPanel = lazy(() => import("../data/data-panel").then((m) => ({ default: m.DataPanel })));

/** Colours that style sheets of what lies over the image use. */
const COLOURS = {
  "--look-canvas": CANVAS,
  "--look-ink": INK,
  "--look-shade": SHADE,
  "--look-line": LINE,
  "--look-mark": MARK,
} as CSSProperties;

/** The image, what is drawn over it, how it is drawn, and the data beside it. */
export function Viewer(props: {
  bar: BarProps;
  /** What is to be said of the item. */
  item: string | null;
}) {
  const look = useLookStore();
  const { job, index, imageNumber } = look.get();
  const image = useLookPart((state) => state.image);
  const [view] = useState(() => new View(image));
  const pixels = usePyramids({ job, index, imageNumber }, image);
  const [stage, setStage] = useState<Stage | null>(null);
  const narrow = useMediaQuery("(max-width: 62em)", false, { getInitialValueInEffect: false });
  const [shown, setShown] = useLocalStorage({
    key: "cytomill-look",
    defaultValue: { controls: true, data: true, width: 440 },
    getInitialValueInEffect: false,
  });
  const [drawer, setDrawer] = useState<"controls" | "data" | null>(null);
  const full = useFullScreen();
  const toggle = (what: "controls" | "data" | "full") => {
    if (what === "full") full.toggle();
    else if (narrow) setDrawer((open) => (open === what ? null : what));
    else setShown((now) => ({ ...now, [what]: !now[what] }));
  };
  const save = stage ? () => void savePicture(stage, view, image, props.bar.name) : undefined;
  const controls = <Controls pyramid={pixels.image} />;
  const data = (
    <Suspense fallback={<Skeleton height={240} />}>
      <DataPanel />
    </Suspense>
  );
  return (
    <ViewContext.Provider value={view}>
      <div className={`${classes.frame} ${full.on ? classes.full : ""}`} style={COLOURS}>
        <Bar {...props.bar}>
          <Tools
            controls={narrow ? drawer === "controls" : shown.controls}
            data={narrow ? drawer === "data" : shown.data}
            full={full.on}
            toggle={toggle}
            save={save}
          />
        </Bar>
        <div className={classes.body}>
          {!narrow && shown.controls && (
            <section className={classes.controls} aria-label="Display">
              {controls}
            </section>
          )}
          <section className={classes.main} aria-label="Image">
            <div className={classes.picture}>
              <Canvas pixels={pixels} staged={setStage} />
              <Notices pixels={pixels} item={props.item} />
              <Scale />
              <Overview pyramid={pixels.image} />
              <Zoom />
            </div>
            <Planes pixels={pixels} />
            <Status pixels={pixels} />
          </section>
          {!narrow && shown.data && (
            <Split width={shown.width} set={(width) => setShown((now) => ({ ...now, width }))} />
          )}
          {!narrow && (
            <aside
              className={classes.data}
              style={{ width: shown.width }}
              hidden={!shown.data}
              aria-label="Data"
            >
              {data}
            </aside>
          )}
        </div>
        {narrow && (
          <>
            <Side title="Display" open={drawer === "controls"} close={() => setDrawer(null)}>
              {controls}
            </Side>
            <Side title="Data" open={drawer === "data"} close={() => setDrawer(null)}>
              {data}
            </Side>
          </>
        )}
      </div>
    </ViewContext.Provider>
  );
}

/** A drawer below the image, which stays in sight. */
function Side(props: { title: string; open: boolean; close: () => void; children: ReactNode }) {
  return (
    <Drawer
      opened={props.open}
      onClose={props.close}
      title={props.title}
      position="bottom"
      size="56dvh"
      keepMounted
      overlayProps={{ backgroundOpacity: 0.15 }}
      styles={{ body: { height: "calc(56dvh - 64px)" } }}
      closeButtonProps={{ "aria-label": "Close" }}
    >
      {props.children}
    </Drawer>
  );
}
