import { CustomChart, ScatterChart } from "echarts/charts";
import { BrushComponent, GridComponent } from "echarts/components";
import { type EChartsCoreOption, type EChartsType, init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import { useEffect, useRef } from "react";
import style from "./chart.module.css";

use([CustomChart, ScatterChart, BrushComponent, GridComponent, CanvasRenderer]);

/** From and to, along the axis across and, of dots, the axis upwards. */
export type Box = { readonly x: readonly number[]; readonly y?: readonly number[] };

/** Pixels from a dot at which a click is still on it. */
const NEAR = 8;

type Area = { readonly coordRange: readonly (number | readonly number[])[] };

/** A chart in which one draws a box around what is to be selected. */
export function Chart(props: {
  option: EChartsCoreOption;
  /** Whether boxes are as high as the chart. */
  across: boolean;
  box: Box | null;
  /** What was drawn; null where it was taken away. */
  onBox: (box: Box | null) => void;
  /** A click, as a box of the places that are near. */
  onClick: (near: Box) => void;
  label: string;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<EChartsType>(null);
  const { option, across, box } = props;
  const calls = useRef(props);
  calls.current = props;

  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const made = init(element);
    chart.current = made;
    made.on("brushEnd", (event) => {
      const [area] = (event as { areas: Area[] }).areas;
      calls.current.onBox(area ? boxOf(area, calls.current.across) : null);
    });
    made.getZr().on("click", ({ offsetX, offsetY }) => {
      const corner = (by: number) =>
        made.convertFromPixel({ gridIndex: 0 }, [offsetX - by, offsetY + by]);
      const [left = 0, below = 0] = corner(NEAR);
      const [right = 0, above = 0] = corner(-NEAR);
      calls.current.onClick({ x: [left, right], y: [below, above] });
    });
    const resized = new ResizeObserver(() => made.resize());
    resized.observe(element);
    return () => {
      resized.disconnect();
      made.dispose();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    const made = chart.current;
    if (!made) return;
    made.setOption(option, { notMerge: true });
    const brushType = across ? "lineX" : "rect";
    made.dispatchAction({
      type: "takeGlobalCursor",
      key: "brush",
      brushOption: { brushType, brushMode: "single" },
    });
    const coordRange = box && (across ? box.x : [box.x, box.y]);
    made.dispatchAction({
      type: "brush",
      areas: coordRange ? [{ brushType, coordRange, xAxisIndex: 0, yAxisIndex: 0 }] : [],
    });
  }, [option, across, box]);

  return <div ref={holder} className={style.chart} role="img" aria-label={props.label} />;
}

function boxOf({ coordRange }: Area, across: boolean): Box {
  if (across) return { x: coordRange as readonly number[] };
  const [x = [], y = []] = coordRange as readonly (readonly number[])[];
  return { x, y };
}
