/** What the tabs of a browser tell each other, as they share the cookie. */

/** Somebody signed in, or out. */
export type Told = "in" | "out";

const NAME = "cytomill-session";

/** Tells the other tabs. */
export function tell(what: Told): void {
  const channel = new BroadcastChannel(NAME);
  channel.postMessage(what);
  channel.close();
}

/** Calls `hear` with what other tabs tell, until the function that is returned is called. */
export function listen(hear: (what: Told) => void): () => void {
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = (event: MessageEvent<unknown>) => {
    if (event.data === "in" || event.data === "out") hear(event.data);
  };
  return () => channel.close();
}
