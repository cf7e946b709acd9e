import { Alert, Group, Paper, SimpleGrid, Stack, Text, VisuallyHidden } from "@mantine/core";
import { isOver } from "../api/events";
import type { Job } from "../api/queries";
import { count, duration, sentence, when } from "../ui/words";
import { ProgressBar } from "./progress-bar";
import { ended, isAtWork, isWaiting, priced, speed, told } from "./states";
import { Summary } from "./summary/summary";

/** How far a job is: what has ended, how fast it goes, when it ends, what it costs. */
export function Now(props: { job: Job }) {
  const { job } = props;
  const percent = Math.floor(job.progress * 100);
  return (
    <Paper withBorder p="md">
      <Stack>
        {job.reason && !isAtWork(job) && (
          <Alert
            color={job.state === "failed" ? "red" : "yellow"}
            variant="light"
            title={job.state === "failed" ? "It could not be done" : undefined}
          >
            {sentence(job.reason)}
          </Alert>
        )}
        {!isOver(job) && (
          <>
            <Group justify="space-between" align="baseline" wrap="nowrap">
              <Text fw={600} size="lg">
                {isWaiting(job) ? waiting(job) : ended(job)}
              </Text>
              {job.items > 0 && (
                <Text fw={600} size="lg" style={{ whiteSpace: "nowrap" }}>
                  {percent} %
                </Text>
              )}
            </Group>
            <ProgressBar job={job} size="lg" />
            {job.waits && <Text size="sm">{sentence(job.waits)}</Text>}
            {/* Told by tenths: what is said at every change nobody can listen to. */}
            <VisuallyHidden role="status">
              {told(job).word}, {Math.floor(percent / 10) * 10} % done
            </VisuallyHidden>
          </>
        )}
        <SimpleGrid cols={{ base: 2, xs: 3, md: 6 }} spacing="md" component="dl" m={0}>
          {facts(job).map(([name, value]) => (
            <div key={name}>
              <Text component="dt" size="xs" c="dimmed">
                {name}
              </Text>
              <Text component="dd" m={0} size="sm" fw={500}>
                {value}
              </Text>
            </div>
          ))}
        </SimpleGrid>
        {isOver(job) && job.items > 0 && <Summary job={job} />}
      </Stack>
    </Paper>
  );
}

/** What is told of a job as it stands, by name. */
function facts(job: Job): [string, string][] {
  const over = isOver(job);
  const found: [string, string | false][] = [
    ["Images", over && ended(job)],
    ["Queue", isWaiting(job) && place(job.position)],
    ["Objects", count(job.objects)],
    ["Failed", !over && job.failed > 0 && count(job.failed)],
    ["Speed", isAtWork(job) && job.rate > 0 && speed(job.rate)],
    ["Time left", isAtWork(job) && job.eta !== null && `about ${duration(job.eta)}`],
    ["Took", over && job.started > 0 && duration(job.finished - job.started)],
    ["Cost", job.cost !== null && priced(job.cost, over)],
    ["Submitted", when(job.created)],
    ["Kept", job.pinned ? "for ever" : job.expires > 0 && `until ${when(job.expires)}`],
  ];
  return found.flatMap(([name, value]) => (value ? [[name, value] as [string, string]] : []));
}

/** What a job waits for that nobody has begun is told in full below. */
function waiting(job: Job): string {
  return job.waits ? "Waiting" : "Waiting for its turn";
}

function place(position: number): string {
  if (position === 0) return "next of your jobs";
  return position === 1 ? "1 of your jobs first" : `${count(position)} of your jobs first`;
}
