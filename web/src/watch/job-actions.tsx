import { Button, Group } from "@mantine/core";
import { useState } from "react";
import type { Job } from "../api/queries";
import { Confirm } from "./confirm";
import { JobMenu } from "./job-menu";
import { doable, title } from "./states";
import type { Deed, useDeed } from "./use-job";

/** What is asked about before it is done, for it cannot be taken back. */
export type Asked = "cancel" | "delete";

/** What can be done with a job: all in a menu, or what matters now as buttons beside it. */
export function JobActions(props: {
  job: Job;
  deed: ReturnType<typeof useDeed>;
  compact?: boolean;
  deleted?: () => void;
}) {
  const { job, deed } = props;
  const [asked, setAsked] = useState<Asked | null>(null);
  const may = doable(job);
  const go = (what: Deed) => {
    deed.mutate(what, {
      onSuccess: () => {
        setAsked(null);
        if (what === "delete") props.deleted?.();
      },
    });
  };
  const ask = (what: Asked) => {
    deed.reset();
    setAsked(what);
  };
  const doing = (what: Deed) => deed.isPending && deed.variables === what;
  const leave = () => {
    deed.reset();
    setAsked(null);
  };
  return (
    <Group gap="xs">
      {!props.compact && (
        <>
          {may.retry && !may.pause && (
            <Button variant="default" loading={doing("retry")} onClick={() => go("retry")}>
              Retry failed
            </Button>
          )}
          {may.pause && (
            <Button variant="default" loading={doing("pause")} onClick={() => go("pause")}>
              Pause
            </Button>
          )}
          {may.resume && (
            <Button loading={doing("resume")} onClick={() => go("resume")}>
              Resume
            </Button>
          )}
          {may.cancel && (
            <Button variant="default" onClick={() => ask("cancel")}>
              Cancel
            </Button>
          )}
        </>
      )}
      <JobMenu job={job} all={Boolean(props.compact)} go={go} ask={ask} />
      <Confirm
        open={asked === "cancel"}
        title="Cancel this job?"
        yes="Cancel the job"
        no="Let it go on"
        busy={deed.isPending}
        problem={deed.error}
        onYes={() => go("cancel")}
        onNo={leave}
      >
        It stops for good. What is done stays and can be downloaded.
      </Confirm>
      <Confirm
        open={asked === "delete"}
        title="Delete this job?"
        yes="Delete the job"
        no="Keep it"
        busy={deed.isPending}
        problem={deed.error}
        onYes={() => go("delete")}
        onNo={leave}
      >
        “{title(job)}” and all its results are deleted for good, and links to it no longer lead
        anywhere.
      </Confirm>
    </Group>
  );
}
