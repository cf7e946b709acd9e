import { Slider, Text } from "@mantine/core";
import { duration } from "../../ui/words";
import type { usePyramids } from "../pixels/opening";
import { type LookState, useLookPart, useLookStore } from "../selection";
import classes from "./frame.module.css";
import { usePlaying } from "./playing";
import { Tool } from "./tool";

/** Sliders for time and depth, where the image has these. */
export function Planes(props: { pixels: ReturnType<typeof usePyramids> }) {
  const look = useLookStore();
  const shape = useLookPart((state) => state.image.shape);
  const image = useLookPart((state) => state.image);
  const t = useLookPart((state) => state.t);
  const z = useLookPart((state) => state.z);
  const playing = useLookPart((state) => state.playing);
  usePlaying(props.pixels);
  if (shape.t === 1 && shape.z === 1) return null;
  return (
    <div className={classes.planes}>
      {shape.t > 1 && (
        <div className={classes.plane}>
          <Tool
            name={playing ? "Stop" : "Play"}
            icon={playing ? "stop" : "play"}
            act={() => look.setPlaying(!playing)}
          />
          <Ruler name="Frame" at={t} count={shape.t} set={look.setT} />
          <Text size="sm" className={classes.where}>
            {t + 1} of {shape.t}
            {image.interval ? ` · ${duration(t * image.interval)}` : ""}
          </Text>
        </div>
      )}
      {shape.z > 1 && (
        <div className={classes.plane}>
          <Text size="sm" className={classes.axis} aria-hidden="true">
            z
          </Text>
          <Ruler name="Depth" at={z} count={shape.z} set={look.setZ} />
          <Text size="sm" className={classes.where}>
            {z + 1} of {shape.z}
            {height(image, z)}
          </Text>
        </div>
      )}
    </div>
  );
}

function Ruler(props: { name: string; at: number; count: number; set: (at: number) => void }) {
  const { name, at, count, set } = props;
  return (
    <Slider
      className={classes.ruler}
      min={0}
      max={count - 1}
      value={at}
      onChange={set}
      label={null}
      size="sm"
      thumbLabel={name}
      thumbProps={{ "aria-valuetext": `${at + 1} of ${count}` }}
    />
  );
}

function height(image: LookState["image"], z: number): string {
  const step = image.pixel_size?.z;
  return step ? ` · ${Number((z * step).toPrecision(3))} µm` : "";
}
