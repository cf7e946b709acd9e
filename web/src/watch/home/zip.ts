import type { Schema } from "../../api/client";
import type { Job } from "../../api/queries";

/** Where the results of a job are as one zip, in the formats that are chosen, in the order shown. */
export function zipOf(
  job: Pick<Job, "id">,
  formats: readonly Schema<"FormatAnswer">[],
  chosen: readonly string[],
): string {
  const place = `/api/v1/jobs/${job.id}/results.zip`;
  const names = formats.flatMap((one) => (chosen.includes(one.name) ? [one.name] : []));
  // All as they are stored needs nothing made, and takes along what is in no format.
  if (formats.every((one) => one.stored === chosen.includes(one.name))) return place;
  return `${place}?formats=${names.join(",")}`;
}
