import type { Me } from "../api/queries";
import { when } from "../ui/words";

/** How long a token may be made for: what is shown, and days; "0" is as long as may be. */
export interface Lifetime {
  label: string;
  value: string;
}

const DAYS: readonly [number, string][] = [
  [7, "7 days"],
  [30, "30 days"],
  [90, "90 days"],
  [365, "1 year"],
];

/** The lifetimes that somebody may choose from at the time `now`, in seconds since 1970. */
export function lifetimes(me: Pick<Me, "user" | "expires">, now: number): Lifetime[] {
  // A token makes none that lasts longer; what the provider says of somebody is good for minutes.
  const bound = me.expires > 0 && !me.user.startsWith("oidc.");
  const days = bound ? (me.expires - now) / 86_400 : Number.POSITIVE_INFINITY;
  const longest = bound ? `As long as your own: until ${when(me.expires)}` : "Without an end";
  return [
    ...DAYS.filter(([one]) => one <= days).map(([one, label]) => ({ label, value: String(one) })),
    { label: longest, value: "0" },
  ];
}

/** The lifetime that is offered first. */
export function usual(choices: Lifetime[]): string {
  return (choices.find((one) => one.value === "90") ?? choices.at(-1))?.value ?? "0";
}
