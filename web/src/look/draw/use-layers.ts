import { useEffect, useMemo, useState } from "react";
import { styleOf } from "../display";
import { useCell } from "../frame/cell";
import { useView } from "../frame/view";
import type { usePyramids } from "../pixels/opening";
import { useLookPart } from "../selection";
import { imageLayer, labelLayer, trackLayer } from "./layers";
import { Painter } from "./painter";
import type { Stage } from "./stage";
import { tails } from "./tails";

/** Keeps on the stage what the display, the place in time and depth, and the selection say. */
export function useLayers(stage: Stage | null, pixels: ReturnType<typeof usePyramids>): void {
  const view = useView();
  const { channels, labels } = useCell(view.display);
  const t = useLookPart((look) => look.t);
  const z = useLookPart((look) => look.z);
  const selected = useLookPart((look) => look.selected);
  const colouring = useLookPart((look) => look.colouring);
  const tracks = useLookPart((look) => look.tracks);

  const visible = channels.flatMap((one, c) => (one.visible ? [c] : [])).join(",");
  const planes = useMemo(
    () => (visible ? visible.split(",").map((c) => ({ t, c: Number(c), z })) : []),
    [visible, t, z],
  );
  const shown = channels.filter((one) => one.visible);
  const labelPlane = useMemo(() => ({ t, c: 0, z }), [t, z]);

  const [painted, setPainted] = useState(0);
  const style = useMemo(() => styleOf(labels, colouring, selected), [labels, colouring, selected]);
  const [painter] = useState(() => new Painter(style, () => setPainted((count) => count + 1)));
  painter.setStyle(style);
  useEffect(() => () => painter.end(), [painter]);

  const drawsLabels = labels.mode !== "off" || selected.size > 0;
  const lines = useMemo(
    () => (tracks ? tails(tracks.paths, t, selected) : null),
    [tracks, t, selected],
  );
  useEffect(() => {
    const failed = view.failure.set;
    stage?.setLayers([
      pixels.levels ? imageLayer(pixels.levels, { planes, channels: shown }, failed) : null,
      pixels.labels && drawsLabels
        ? labelLayer(pixels.labels, labelPlane, painter, painted, style, failed)
        : null,
      lines ? trackLayer(lines) : null,
    ]);
  });
}
