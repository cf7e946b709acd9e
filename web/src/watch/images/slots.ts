/** Lets a few of many go at once; those that asked first go first. */
export class Slots {
  private free: number;
  private readonly waiting = new Set<() => void>();

  constructor(most: number) {
    this.free = most;
  }

  /** Calls `go` when it is its turn. What is returned gives the place back, begun or not. */
  ask(go: () => void): () => void {
    let ended = false;
    let begun = false;
    const begin = () => {
      begun = true;
      this.free -= 1;
      go();
    };
    if (this.free > 0) begin();
    else this.waiting.add(begin);
    return () => {
      if (ended) return;
      ended = true;
      if (!begun) {
        this.waiting.delete(begin);
        return;
      }
      this.free += 1;
      const [next] = this.waiting;
      if (next) {
        this.waiting.delete(next);
        next();
      }
    };
  }
}
