import type { Job } from "../api/queries";
import { counted } from "../ui/words";

/** The value of an option as people write it. */
export function asText(value: unknown): string {
  if (value === null) return "as by default";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map(asText).join(", ");
  if (typeof value === "object") {
    return Object.entries(value)
      .map(([name, one]) => `${name}: ${asText(one)}`)
      .join(", ");
  }
  return String(value);
}

/** Where the images of a job come from, in words. */
export function inputsOf(job: Job): string[] {
  return job.inputs.map((input) => {
    const source = input.source
      ? `source ${input.source} ${input.prefix ?? ""}`.trim()
      : "an upload";
    const paths = Array.isArray(input.paths)
      ? `, ${counted(input.paths.length, "path")} of it`
      : "";
    const pattern = input.pattern ? `, files like ${input.pattern}` : "";
    const corrected = Array.isArray(input.corrections) ? ", with corrections" : "";
    return `${source}${paths}${pattern}${corrected}`;
  });
}
