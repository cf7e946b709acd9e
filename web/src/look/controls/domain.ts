import type { ChannelFacts } from "../facts";

/** Steps of a contrast slider. */
const STEPS = 400;

/**
 * The intensities that a slider goes over: those around the limits first proposed, for a few very
 * bright pixels would leave it no room; more where the limits are elsewhere.
 */
export function domainOf(facts: ChannelFacts, low: number, high: number): [number, number] {
  const span = Math.max(facts.high - facts.low, 1e-6);
  const least = Math.max(facts.min, facts.low - span);
  const most = Math.min(facts.max, facts.high + 1.5 * span);
  return [Math.min(least, low), Math.max(most, high)];
}

/** A round number that is at most a few hundredths of the way; whole numbers stay so. */
export function stepOf(min: number, max: number): number {
  const fine = (max - min) / STEPS;
  const ten = 10 ** Math.floor(Math.log10(Math.max(fine, 1e-9)));
  return max - min >= 50 ? Math.max(1, Math.round(fine)) : ten;
}
