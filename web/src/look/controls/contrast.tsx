import { Group, NumberInput, RangeSlider } from "@mantine/core";
import { useMemo } from "react";
import type { ChannelDisplay } from "../display";
import { histogram } from "../draw/intensity";
import type { ChannelFacts } from "../facts";
import type { Tile } from "../pixels/pyramid";
import classes from "./controls.module.css";
import { domainOf, stepOf } from "./domain";

/** Which intensities are black and which full, over how often each occurs. */
export function Contrast(props: {
  facts: ChannelFacts;
  display: ChannelDisplay;
  tile: Tile | undefined;
  change: (change: Partial<ChannelDisplay>) => void;
}) {
  const { facts, display, tile, change } = props;
  const { low, high } = display;
  const [min, max] = domainOf(facts, low, high);
  const step = stepOf(min, max);
  const set = (wanted: [number, number]) => change({ low: wanted[0], high: wanted[1] });
  const input = { size: "xs", hideControls: true, className: classes.limit, step } as const;
  const shown = (value: number) => Number(value.toPrecision(5));
  return (
    <div className={classes.contrast}>
      <Curve tile={tile} min={min} max={max} />
      <RangeSlider
        size="xs"
        thumbSize={14}
        min={min}
        max={max}
        step={step}
        minRange={step}
        value={[low, high]}
        onChange={set}
        label={null}
        thumbFromLabel={`${facts.name}: black at`}
        thumbToLabel={`${facts.name}: brightest at`}
      />
      <Group justify="space-between" gap="xs" wrap="nowrap" mt={6}>
        <NumberInput
          {...input}
          aria-label={`${facts.name}: black at`}
          value={shown(low)}
          onChange={(value) => typeof value === "number" && value < high && change({ low: value })}
        />
        <NumberInput
          {...input}
          ta="right"
          aria-label={`${facts.name}: brightest at`}
          value={shown(high)}
          onChange={(value) => typeof value === "number" && value > low && change({ high: value })}
        />
      </Group>
    </div>
  );
}

const BINS = 64;

/** Frequent intensities would hide the others, so heights are roots. */
function Curve(props: { tile: Tile | undefined; min: number; max: number }) {
  const { tile, min, max } = props;
  const points = useMemo(() => {
    const bins = tile ? histogram(tile.data, min, max, BINS).bins : [];
    const most = Math.sqrt(Math.max(...bins, 1));
    return bins.map((one, at) => `${at},${20 - (19 * Math.sqrt(one)) / most}`).join(" ");
  }, [tile, min, max]);
  return (
    <svg
      className={classes.curve}
      viewBox={`0 0 ${BINS - 1} 20`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {points && <polygon points={`0,20 ${points} ${BINS - 1},20`} />}
    </svg>
  );
}
