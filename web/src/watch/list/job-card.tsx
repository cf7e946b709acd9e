import { Anchor, Box, Group, Paper, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { asProblem } from "../../api/problem";
import type { Job } from "../../api/queries";
import { count, duration, sentence, when } from "../../ui/words";
import { JobActions } from "../job-actions";
import { ProgressBar } from "../progress-bar";
import { StateWord } from "../state-word";
import { ended, isAtWork, isWaiting, speed, title } from "../states";
import { jobQuery, useDeed } from "../use-job";
import styles from "../watch.module.css";

/** A job in the list of jobs; it changes as the kiosk tells. */
export function JobCard(props: { listed: Job }) {
  const { id } = props.listed;
  const job = useQuery({ ...jobQuery(id), enabled: false, initialData: props.listed }).data;
  const deed = useDeed(id);
  const over = !isAtWork(job) && job.state !== "paused";
  return (
    <Paper withBorder p="md" className={styles.card} component="article">
      <Group justify="space-between" wrap="nowrap" align="flex-start" gap="sm">
        <Stack gap={4} miw={0} flex={1}>
          <Group gap="md" justify="space-between">
            <Anchor
              component={Link}
              href={`/jobs/${id}`}
              className={styles.whole}
              c="var(--mantine-color-text)"
              fw={600}
              truncate
              flex="1 1 200px"
              underline="never"
            >
              {title(job)}
            </Anchor>
            <StateWord job={job} />
          </Group>
          <Text size="sm" c="dimmed" className={styles.facts}>
            <span>{job.pipeline}</span>
            <span>{when(job.created)}</span>
            <span>{ended(job)}</span>
            {job.failed > 0 && (
              <Text component="span" inherit c="var(--mantine-color-error)">
                {count(job.failed)} failed
              </Text>
            )}
            {coming(job) && <span>{coming(job)}</span>}
          </Text>
          {!over && (
            <Box pt={6}>
              <ProgressBar job={job} />
            </Box>
          )}
          {job.reason && (
            <Text size="sm" lineClamp={2}>
              {sentence(job.reason)}
            </Text>
          )}
          {deed.isError && (
            <Text size="sm" c="var(--mantine-color-error)" role="alert">
              {asProblem(deed.error).message}
            </Text>
          )}
        </Stack>
        <Box className={styles.above}>
          <JobActions job={job} deed={deed} compact />
        </Box>
      </Group>
    </Paper>
  );
}

/** What comes next of a job that has not ended. */
function coming(job: Job): string {
  if (job.waits && !job.position) return job.waits;
  if (isWaiting(job)) {
    return job.position ? `${count(job.position)} of your jobs come first` : "next of your jobs";
  }
  if (!isAtWork(job) || job.rate <= 0) return "";
  return job.eta === null ? speed(job.rate) : `${speed(job.rate)}, ${duration(job.eta)} left`;
}
