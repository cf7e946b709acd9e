import type { Job } from "../api/queries";
import { count, counted, when } from "../ui/words";

/** What a job's state is called, and the colour of its mark (of the theme). */
export interface Told {
  readonly word: string;
  readonly colour: string;
}

/** What people are told of where a job stands. */
export function told(job: Job): Told {
  if (isWaiting(job)) return { word: "Waiting", colour: "gray" };
  switch (job.state) {
    case "listing":
    case "running":
      return { word: "Running", colour: "blue" };
    case "paused":
      return { word: "Paused", colour: "yellow" };
    case "done":
      if (job.items > 0 && job.failed === job.items) return { word: "Failed", colour: "red" };
      return job.failed
        ? { word: "Done, some failed", colour: "orange" }
        : { word: "Done", colour: "teal" };
    case "failed":
      return { word: "Failed", colour: "red" };
    case "cancelled":
      return { word: "Cancelled", colour: "gray" };
    case "deleting":
      return { word: "Being deleted", colour: "gray" };
  }
}

/** Whether nothing of a job has been begun, though nobody holds it. */
export function isWaiting(job: Job): boolean {
  return ["listing", "running"].includes(job.state) && !job.started;
}

/** Whether something of a job is being done, or waits for its turn. */
export function isAtWork(job: Job): boolean {
  return ["listing", "running"].includes(job.state);
}

/** What can be done with a job, as its state allows. */
export function doable(job: Job) {
  const gone = job.state === "deleting";
  return {
    pause: isAtWork(job),
    resume: job.state === "paused",
    cancel: isAtWork(job) || job.state === "paused",
    retry: job.failed > 0 && (isAtWork(job) || ["paused", "done"].includes(job.state)),
    keep: !gone,
    delete: !gone,
  };
}

/** What a job is called, for those that nobody has named. */
export function title(job: Job): string {
  return job.name || `${job.pipeline}, ${when(job.created)}`;
}

/** How many of a job's images have ended: "12 of 100 images", "24 images". */
export function ended(job: Job): string {
  const over = job.done + job.failed;
  if (!job.sealed && job.items === 0) return isAtWork(job) ? "Looking for images" : "No images";
  if (job.sealed && over === job.items) return counted(job.items, "image");
  const all = counted(job.items, "image");
  return `${count(over)} of ${all}${job.sealed || !isAtWork(job) ? "" : " found so far"}`;
}

/** Images a second, or a minute where they take longer. */
export function speed(rate: number): string {
  const few = new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 2 });
  return rate >= 1 ? `${few.format(rate)} images/s` : `${few.format(rate * 60)} images/min`;
}

/** An amount of money, with digits enough to tell small ones apart. */
export function money(amount: number, currency: string): string {
  if (amount > 0 && amount < 0.0001) return `less than 0.0001 ${currency}`;
  const digits =
    amount >= 1 || amount === 0
      ? { minimumFractionDigits: 2, maximumFractionDigits: 2 }
      : { maximumSignificantDigits: 2 };
  return `${new Intl.NumberFormat("en-GB", digits).format(amount)} ${currency}`;
}

/** What a job has cost and will: "0.02 EUR of about 0.31 EUR". */
export function priced(cost: NonNullable<Job["cost"]>, over: boolean): string {
  const spent = money(cost.spent, cost.currency);
  if (over || cost.expected === null) return spent;
  return `${spent} of about ${money(cost.expected, cost.currency)}`;
}
