type Waiting<Value> = {
  readonly abort: AbortController;
  readonly value: Promise<Value>;
  readers: number;
};

/**
 * Values that are kept up to a number of bytes, the longest unused given up first. Several who ask
 * for the same one share a request, which is broken off when none of them wants it any more.
 */
export class ChunkCache<Value> {
  private readonly kept = new Map<string, Value>();
  private readonly waiting = new Map<string, Waiting<Value>>();
  private held = 0;
  private readonly most: number;
  private readonly sizeOf: (value: Value) => number;

  constructor(most: number, sizeOf: (value: Value) => number) {
    this.most = most;
    this.sizeOf = sizeOf;
  }

  /** The value if it is here already. */
  peek(key: string): Value | undefined {
    const value = this.kept.get(key);
    if (value !== undefined) {
      this.kept.delete(key);
      this.kept.set(key, value);
    }
    return value;
  }

  /** The value, from `load` where it is not here; rejects as `load` does, or when `signal` aborts. */
  async get(
    key: string,
    load: (signal: AbortSignal) => Promise<Value>,
    signal?: AbortSignal,
  ): Promise<Value> {
    signal?.throwIfAborted();
    const here = this.peek(key);
    if (here !== undefined) return here;
    const entry = this.waiting.get(key) ?? this.begin(key, load);
    entry.readers += 1;
    const leave = () => {
      entry.readers -= 1;
      if (entry.readers > 0) return;
      this.waiting.delete(key);
      entry.abort.abort(signal?.reason);
    };
    signal?.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([entry.value, aborted(signal)]);
    } finally {
      signal?.removeEventListener("abort", leave);
    }
  }

  private begin(key: string, load: (signal: AbortSignal) => Promise<Value>): Waiting<Value> {
    const abort = new AbortController();
    const value = load(abort.signal).then(
      (loaded) => {
        this.drop(key, entry);
        this.keep(key, loaded);
        return loaded;
      },
      (error: unknown) => {
        this.drop(key, entry);
        throw error;
      },
    );
    const entry: Waiting<Value> = { abort, value, readers: 0 };
    value.catch(() => undefined);
    this.waiting.set(key, entry);
    return entry;
  }

  /** A later request for the same value may have taken the place of one broken off. */
  private drop(key: string, entry: Waiting<Value>): void {
    if (this.waiting.get(key) === entry) this.waiting.delete(key);
  }

  private keep(key: string, value: Value): void {
    this.kept.set(key, value);
    this.held += this.sizeOf(value);
    for (const [oldest, old] of this.kept) {
      if (this.held <= this.most || oldest === key) break;
      this.kept.delete(oldest);
      this.held -= this.sizeOf(old);
    }
  }
}

function aborted(signal?: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
