/** Milliseconds that a speed is measured over, and between two marks of it. */
const SPAN = 8000;
const STEP = 250;

/** How fast bytes go, of late. */
export class Speed {
  private marks: { time: number; bytes: number }[] = [];
  private total = 0;

  /** `bytes` more are there at `time`, in milliseconds. */
  add(bytes: number, time: number): void {
    this.total += bytes;
    const last = this.marks.at(-1);
    if (last && time - last.time < STEP) return;
    this.marks.push({ time, bytes: this.total });
    while (this.marks.length > 2 && time - (this.marks[1]?.time ?? time) > SPAN) this.marks.shift();
  }

  /** Begins anew: nothing went for a while. */
  reset(): void {
    this.marks = [];
  }

  /** Bytes a second; nothing where that cannot be told yet. */
  at(time: number): number | null {
    const first = this.marks[0];
    if (!first || time - first.time < 2 * STEP) return null;
    return ((this.total - first.bytes) * 1000) / (time - first.time);
  }
}
