import { duration } from "../ui/words";
import type { Pool, Scaling, Trouble } from "./queries";

/** How many workers of a role there may be; undefined where no autoscaler has such. */
export function most(scaling: Scaling | null | undefined, role: Pool["role"]): number | undefined {
  const pools = scaling?.pools.filter((one) => one.role === role) ?? [];
  return pools.length ? pools.reduce((sum, one) => sum + one.most, 0) : undefined;
}

/** All that is amiss, with the name of the pool or the engine that it is about. */
export function troubles(scaling: Scaling): { about: string; trouble: Trouble }[] {
  return [
    ...scaling.troubles.map((trouble) => ({ about: scaling.engine, trouble })),
    ...scaling.pools.flatMap((pool) =>
      pool.troubles.map((trouble) => ({ about: pool.name, trouble })),
    ),
  ];
}

/** Since when something is amiss, and when it is tried again, at `now` in seconds. */
export function lasting(trouble: Trouble, now: number): string {
  const since = `for ${duration(now - trouble.since)}`;
  if (trouble.again === null) return since;
  const left = trouble.again - now;
  return `${since}, ${left > 1 ? `tried again in ${duration(left)}` : "tried again now"}`;
}

/** Workers that were asked for and are not ready: "2 asked for, 1 starting". */
export function coming(pool: Pool): string {
  const found = [];
  if (pool.asked) found.push(`${pool.asked} asked for${pool.reason ? ` (${pool.reason})` : ""}`);
  if (pool.starting) found.push(`${pool.starting} starting`);
  return found.join(", ") || "–";
}
