/** Why the kiosk did not do what it was asked, in words for the user. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  /** Seconds after which it is worth to ask again, where the kiosk says so. */
  readonly retryAfter: number | undefined;

  constructor(status: number, code: string, detail: string, hint = "", retryAfter?: number) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.retryAfter = retryAfter;
  }

  /** Whether it may pass by itself: the kiosk is away, busy or full, or the line is cut. */
  get passing(): boolean {
    return [0, 408, 429, 500, 502, 503, 504, 507].includes(this.status);
  }

  /** Whether one must sign in (again). */
  get signedOut(): boolean {
    return this.status === 401;
  }
}

/** The problem that an answer tells; what is in no form that the kiosk uses comes from a proxy. */
export function problemOf(response: Response, body: unknown): Problem {
  const after = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfter = Number.isFinite(after) ? after : undefined;
  if (isTold(body)) {
    return new Problem(response.status, body.code, sentence(body.detail), body.hint, retryAfter);
  }
  return new Problem(
    response.status,
    "unknown",
    `The kiosk answered with status ${response.status}.`,
    "Try again in a while; if it stays so, tell who runs this kiosk.",
    retryAfter,
  );
}

/** The problem that `error`, whatever was thrown, is. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (
    error instanceof TypeError ||
    (error instanceof DOMException && error.name !== "AbortError")
  ) {
    return new Problem(0, "away", "The kiosk cannot be reached.", "Check the connection.");
  }
  return new Problem(-1, "page", error instanceof Error ? error.message : String(error));
}

function isTold(body: unknown): body is { code: string; detail: string; hint: string } {
  if (typeof body !== "object" || body === null) return false;
  const told = body as Record<string, unknown>;
  return [told.code, told.detail, told.hint].every((one) => typeof one === "string");
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
