import { duration } from "../ui/words";
import type { Consumer } from "./queries";

/** Seconds that two clocks may be apart before that is told. */
const TOLERATED = 5;

/** What a consumer waits for, and what is amiss with it, in a few words each. */
export function notes(one: Pick<Consumer, "waiting_for" | "draining" | "clock">): string[] {
  const apart = Math.abs(one.clock);
  return [
    one.waiting_for ? `waits for ${one.waiting_for}` : "",
    one.draining ? "takes nothing more: it is to end" : "",
    apart > TOLERATED ? `its clock is wrong by ${duration(apart)}` : "",
  ].filter((note) => note !== "");
}
