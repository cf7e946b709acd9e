import { Progress } from "@mantine/core";
import type { Job } from "../api/queries";
import { isAtWork } from "./states";

/** How much of a job has ended: done and failed images, of those found so far. */
export function ProgressBar(props: { job: Job; size?: string | number }) {
  const { job } = props;
  const share = (some: number) => (job.items ? (100 * some) / job.items : 0);
  const looking = isAtWork(job) && job.items === 0 && job.started > 0;
  return (
    <Progress.Root size={props.size ?? "sm"} radius="xl" transitionDuration={400}>
      <Progress.Section
        value={looking ? 100 : share(job.done)}
        color={job.state === "cancelled" || job.state === "paused" ? "gray.5" : "teal"}
        striped={looking}
        animated={looking}
        aria-label="Images done"
        aria-valuetext={looking ? "Looking for images" : `${Math.floor(share(job.done))} %`}
      />
      {job.failed > 0 && (
        <Progress.Section
          value={Math.max(0.5, share(job.failed))}
          color="red"
          aria-label="Images failed"
        />
      )}
    </Progress.Root>
  );
}
