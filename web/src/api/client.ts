import createClient, { type Middleware } from "openapi-fetch";
import { problemOf } from "./problem";
import type { components, paths } from "./schema";

/** An answer or request of the API, by its name in the API's description. */
export type Schema<Name extends keyof components["schemas"]> = components["schemas"][Name];

/** What is told when the kiosk no longer knows who asks. */
export const SIGNED_OUT = "cytomill:signed-out";

/** Throws the `Problem` that an answer tells; the session is told where that is about it. */
const refusing: Middleware = {
  async onResponse({ response }) {
    if (response.ok || response.status === 304) return;
    const text = await response.clone().text();
    let body: unknown = text;
    try {
      body = JSON.parse(text);
    } catch {
      // Not the kiosk's own words: problemOf says so.
    }
    if (response.status === 401) window.dispatchEvent(new Event(SIGNED_OUT));
    throw problemOf(response, body);
  },
};

/** The API; paths begin with /api/v1. Every call throws a `Problem` where it is refused. */
export const api = createClient<paths>({ baseUrl: globalThis.location?.origin ?? "" });
api.use(refusing);

/** The data of a call to `api`, which has thrown where there is none. */
export async function data<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}
