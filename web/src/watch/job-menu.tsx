import { ActionIcon, Menu } from "@mantine/core";
import { Link } from "wouter";
import type { Job } from "../api/queries";
import type { Asked } from "./job-actions";
import { doable, title } from "./states";
import type { Deed } from "./use-job";

/** What can be done with a job, in a menu. */
export function JobMenu(props: {
  job: Job;
  /** Whether to offer also what the place of the job has buttons for. */
  all: boolean;
  go: (what: Deed) => void;
  ask: (what: Asked) => void;
}) {
  const { job, all, go, ask } = props;
  const may = doable(job);
  if (!may.delete) return null;
  return (
    <Menu position="bottom-end" width={210} shadow="md">
      <Menu.Target>
        <ActionIcon variant="subtle" size="lg" aria-label={`Actions on ${title(job)}`}>
          <span aria-hidden="true">⋯</span>
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {all && may.pause && <Menu.Item onClick={() => go("pause")}>Pause</Menu.Item>}
        {all && may.resume && <Menu.Item onClick={() => go("resume")}>Resume</Menu.Item>}
        {(all || may.pause) && may.retry && (
          <Menu.Item onClick={() => go("retry")}>Retry failed images</Menu.Item>
        )}
        {all && job.done > 0 && (
          <Menu.Item component={Link} href={`/jobs/${job.id}?show=home`}>
            Take home
          </Menu.Item>
        )}
        <Menu.Item onClick={() => go(job.pinned ? "release" : "keep")}>
          {job.pinned ? "Let it expire" : "Keep for ever"}
        </Menu.Item>
        <Menu.Divider />
        {all && may.cancel && (
          <Menu.Item c="var(--mantine-color-error)" onClick={() => ask("cancel")}>
            Cancel…
          </Menu.Item>
        )}
        <Menu.Item c="var(--mantine-color-error)" onClick={() => ask("delete")}>
          Delete…
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
