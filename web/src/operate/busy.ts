import type { Server } from "./queries";

/** What the networks of a model server had done at a moment, in milliseconds. */
export interface Look {
  at: number;
  seconds: ReadonlyMap<string, number>;
}

/** What tells a model of a server from all others. */
export function modelKey(server: string, name: string, version: string): string {
  return `${server} ${name} ${version}`;
}

/** What the networks had done when `servers` was told, at `at`. */
export function looked(servers: readonly Server[], at: number): Look {
  const all = servers.flatMap((server) =>
    server.models.map((model): [string, number] => [
      modelKey(server.address, model.name, model.version),
      model.seconds,
    ]),
  );
  return { at, seconds: new Map(all) };
}

/**
 * The share of the time between two looks for which a network ran: 1 for one that ran always, 2 for
 * two inferences at once; undefined where that is not known, as after a restart.
 */
export function busy(before: Look | undefined, now: Look, key: string): number | undefined {
  const first = before?.seconds.get(key);
  const last = now.seconds.get(key);
  if (!before || first === undefined || last === undefined || now.at <= before.at) return undefined;
  return last < first ? undefined : ((last - first) * 1000) / (now.at - before.at);
}
