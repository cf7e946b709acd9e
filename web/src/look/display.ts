import { ONE_COLOUR, rgbOf } from "./draw/colours";
import type { LabelMode, LabelStyle } from "./draw/paint";
import type { ImageFacts } from "./facts";
import type { Colouring } from "./selection";

/** Channels that can be drawn at the same time. */
export const AT_ONCE = 6;

/** Channels that are shown at first of an image with many. */
const AT_FIRST = 4;

/** How a channel is drawn. */
export type ChannelDisplay = {
  readonly visible: boolean;
  /** "#rrggbb" */
  readonly colour: string;
  readonly low: number;
  readonly high: number;
};

/** How labels are drawn; each mode has an opacity of its own. */
export type LabelDisplay = {
  readonly mode: LabelMode;
  readonly outlines: number;
  readonly filled: number;
  /** Whether each has a colour of its own or all the same, unless a measurement colours them. */
  readonly by: "label" | "one";
  readonly colour: string;
};

export type Display = {
  readonly channels: readonly ChannelDisplay[];
  readonly labels: LabelDisplay;
};

const OWN = { by: "label" } as const;

export const LABELS_AT_FIRST: LabelDisplay = {
  mode: "outlines",
  outlines: 1,
  filled: 0.45,
  by: "label",
  colour: ONE_COLOUR,
};

/** Channels as the kiosk proposes them; pictures in red, green and blue as they are. */
export function channelsAtFirst(image: ImageFacts): ChannelDisplay[] {
  const most = image.channels.length > AT_ONCE ? AT_FIRST : AT_ONCE;
  return image.channels.map((channel, index) => ({
    visible: index < most,
    colour: channel.colour,
    low: image.rgb ? 0 : channel.low,
    high: image.rgb ? brightest(image, channel.max) : Math.max(channel.high, channel.low + 1e-6),
  }));
}

function brightest(image: ImageFacts, max: number): number {
  if (image.dtype === "uint8") return 255;
  if (image.dtype === "uint16") return 65_535;
  return max;
}

/** The same display with some of one channel changed. */
export function withChannel(
  display: Display,
  index: number,
  change: Partial<ChannelDisplay>,
): Display {
  const channels = display.channels.map((one, at) => (at === index ? { ...one, ...change } : one));
  return { ...display, channels };
}

export function withLabels(display: Display, change: Partial<LabelDisplay>): Display {
  return { ...display, labels: { ...display.labels, ...change } };
}

/** Whether one more channel can be shown. */
export function hasRoom(display: Display): boolean {
  return display.channels.filter((one) => one.visible).length < AT_ONCE;
}

/** 0 to 1, of the mode that is on. */
export function opacityOf(labels: LabelDisplay): number {
  return labels.mode === "filled" ? labels.filled : labels.outlines;
}

/** What labels look like; `colouring` by a measurement comes before other colours. */
export function styleOf(
  labels: LabelDisplay,
  colouring: Colouring | null,
  selected: ReadonlySet<number>,
): LabelStyle {
  const own = labels.by === "one" ? { by: labels.by, colour: rgbOf(labels.colour) } : OWN;
  const colours = colouring ? { by: "values" as const, ...colouring } : own;
  return { mode: labels.mode, opacity: opacityOf(labels), colours, selected };
}
