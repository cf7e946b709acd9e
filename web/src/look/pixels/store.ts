import type { AbsolutePath, AsyncReadable } from "zarrita";
import { SIGNED_OUT } from "../../api/client";
import { type Problem, problemOf } from "../../api/problem";

/** Seconds between two attempts where the kiosk does not say how long to wait. */
const PATIENCE = 2;

/** Attempts at what fails though it should not; what is being made is waited for without end. */
const ATTEMPTS = 4;

/** The OME-Zarr below an address of the kiosk, as zarr's readers want it. */
export class KioskStore implements AsyncReadable<{ signal?: AbortSignal }> {
  private readonly address: string;

  constructor(address: string) {
    this.address = address;
  }

  /** The bytes; none where there is nothing. Throws the `Problem` that the kiosk tells. */
  async get(
    key: AbsolutePath,
    how: { signal?: AbortSignal } = {},
  ): Promise<Uint8Array | undefined> {
    for (let failures = 0; ; ) {
      const answer = await this.attempt(key, how.signal);
      if (answer === undefined || answer instanceof Uint8Array) return answer;
      const making = answer.status === 503 && answer.retryAfter !== undefined;
      if (!making) failures += 1;
      if (!answer.passing || failures >= ATTEMPTS) throw answer;
      await pause(answer.retryAfter ?? PATIENCE * failures, how.signal);
    }
  }

  private async attempt(
    key: AbsolutePath,
    signal?: AbortSignal,
  ): Promise<Uint8Array | Problem | undefined> {
    let response: Response;
    try {
      response = await fetch(this.address + key, { signal });
    } catch (error) {
      if (signal?.aborted) throw error;
      return problemOf(new Response(null, { status: 503 }), null);
    }
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    const problem = problemOf(response, await response.json().catch(() => null));
    if (response.status === 401) window.dispatchEvent(new Event(SIGNED_OUT));
    if (response.status === 404 && key.endsWith(".zattrs")) return undefined;
    return problem;
  }
}

function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener(
      "abort",
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
