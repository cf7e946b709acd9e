import type { EChartsCoreOption } from "echarts/core";
import { shown } from "../columns";
import { type Bin, histogram } from "./bins";
import type { ChartColours } from "./chart-colours";

/** What charts of measurements look like: the library's options. */

export type Axis = { readonly title: string; readonly log: boolean };

/** Cells of a chart: their values along both axes, and which of them are selected. */
export type Points = {
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  readonly selected: (row: number) => boolean;
};

/** Least count on an axis of logarithms: half a cell, so that one is seen. */
const HALF = 0.5;

/** How often values occur, and above it the share of those that are selected. */
export function histogramOption(
  values: ArrayLike<number>,
  edges: readonly number[],
  selected: (row: number) => boolean,
  x: Axis,
  logCounts: boolean,
  colours: ChartColours,
): EChartsCoreOption {
  const chosen = Array.from(values).filter((_, row) => selected(row));
  const y = { title: "Cells", log: logCounts };
  const foot = logCounts ? HALF : 0;
  const all = histogram(values, edges);
  const most = all.reduce((found, bin) => Math.max(found, bin.count), 1);
  return {
    ...frame(colours),
    xAxis: {
      ...axis(x, colours),
      min: edges[0],
      max: edges.at(-1),
    },
    yAxis: { ...axis(y, colours), min: foot, max: logCounts ? most * 1.5 : undefined, nameGap: 44 },
    series: [
      bars("all", all, foot, colours.dot),
      bars("selected", histogram(chosen, edges), foot, colours.selected),
    ],
  };
}

/** A dot for each cell; those that are selected are drawn over the others. */
export function scatterOption(
  points: Points,
  x: Axis,
  y: Axis,
  colours: ChartColours,
): EChartsCoreOption {
  const others: [number, number][] = [];
  const chosen: [number, number][] = [];
  for (let row = 0; row < points.x.length; row += 1) {
    const at: [number, number] = [points.x[row] ?? Number.NaN, points.y[row] ?? Number.NaN];
    if (!drawable(at[0], x) || !drawable(at[1], y)) continue;
    (points.selected(row) ? chosen : others).push(at);
  }
  const size = others.length + chosen.length > 3000 ? 3 : 5;
  const dots = { type: "scatter", large: true, largeThreshold: 2000, silent: true };
  return {
    ...frame(colours),
    xAxis: { ...axis(x, colours), scale: true },
    yAxis: { ...axis(y, colours), scale: true, nameGap: 50 },
    series: [
      { ...dots, id: "all", data: others, symbolSize: size, itemStyle: { color: colours.dot } },
      {
        ...dots,
        id: "selected",
        data: chosen,
        symbolSize: size + 1,
        itemStyle: { color: colours.selected },
      },
    ],
  };
}

/** Whether a value has a place on an axis. */
export function drawable(value: number, on: Axis): boolean {
  return Number.isFinite(value) && (!on.log || value > 0);
}

function frame(colours: ChartColours): EChartsCoreOption {
  return {
    animation: false,
    textStyle: { fontFamily: colours.font },
    grid: { left: 64, right: 14, top: 12, bottom: 48 },
    brush: {
      toolbox: [],
      xAxisIndex: 0,
      yAxisIndex: 0,
      transformable: true,
      removeOnClick: true,
      throttleType: "debounce",
      brushStyle: { color: colours.brush, borderColor: colours.selected, borderWidth: 1 },
      inBrush: { opacity: 1 },
      outOfBrush: { opacity: 1, colorAlpha: 1 },
    },
  };
}

function axis(of: Axis, colours: ChartColours) {
  return {
    type: of.log ? "log" : "value",
    name: of.log ? `${of.title}, logarithmic` : of.title,
    nameLocation: "middle",
    nameGap: 30,
    nameTextStyle: { color: colours.text, fontSize: 12 },
    axisLabel: { color: colours.text, hideOverlap: true, formatter: short },
    axisLine: { lineStyle: { color: colours.line } },
    axisTick: { lineStyle: { color: colours.line } },
    splitLine: { lineStyle: { color: colours.line, opacity: 0.5 } },
    splitNumber: 4,
  };
}

/** An axis has little room: 12,000 is "12k". */
function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${shown(value / 1e6)}M`;
  return size >= 1e4 ? `${shown(value / 1e3)}k` : shown(Number(value.toPrecision(4)));
}

/** Bars from `foot` upwards, each as wide as its bin whatever the axis is. */
function bars(id: string, bins: readonly Bin[], foot: number, color: string) {
  return {
    id,
    type: "custom",
    silent: true,
    clip: true,
    data: bins.map((bin) => [bin.low, bin.high, bin.count]),
    encode: { x: [0, 1], y: 2 },
    itemStyle: { color },
    renderItem: (_: unknown, at: Drawing) => {
      const height = at.value(2);
      if (height <= 0) return null;
      const [left, top] = at.coord([at.value(0), height]);
      const [right, bottom] = at.coord([at.value(1), foot]);
      return {
        type: "rect",
        shape: { x: left, y: top, width: Math.max(right - left - 1, 1), height: bottom - top },
        style: { fill: color },
      };
    },
  };
}

type Drawing = {
  value: (dimension: number) => number;
  coord: (place: [number, number]) => [number, number];
};
