import { Anchor, Button, Group, Stack, Text, Title } from "@mantine/core";
import { Link } from "wouter";
import type { Job } from "../api/queries";
import { ProblemView } from "../ui/problem-view";
import { JobActions } from "./job-actions";
import { StateWord } from "./state-word";
import { isAtWork, title } from "./states";
import { useDeed } from "./use-job";

/** What a job is called, where it stands, and what can be done with it. */
export function JobHead(props: {
  job: Job;
  mayWrite: boolean;
  takeHome?: () => void;
  deleted: () => void;
}) {
  const { job } = props;
  const deed = useDeed(job.id);
  return (
    <Stack gap="xs">
      {props.mayWrite && (
        <Anchor component={Link} href="/" size="sm" w="fit-content">
          ‹ All jobs
        </Anchor>
      )}
      <Group justify="space-between" align="flex-start">
        <Stack gap={4} flex="1 1 320px" miw={0}>
          <Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>
            {title(job)}
          </Title>
          <Group gap="md">
            <StateWord job={job} size="md" />
            <Text c="dimmed">{job.pipeline}</Text>
          </Group>
        </Stack>
        <Group gap="xs">
          {props.takeHome && job.done > 0 && !isAtWork(job) && (
            <Button variant={job.state === "done" ? "filled" : "default"} onClick={props.takeHome}>
              Take home
            </Button>
          )}
          {props.mayWrite && <JobActions job={job} deed={deed} deleted={props.deleted} />}
        </Group>
      </Group>
      {deed.isError && <ProblemView error={deed.error} />}
    </Stack>
  );
}
