import { Alert, Anchor, Button, Card, Group, Progress, Select, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { api, data } from "../api/client";
import { isOver, useJobEvents } from "../api/events";
import { asProblem } from "../api/problem";
import { counted, duration, measured, sentence } from "../ui/words";
import styles from "./submit.module.css";

/** A try on one image: which one, how far it is, and what came of it. */
export function TryOne(props: {
  paths: string[];
  path: string;
  onPath: (path: string) => void;
  job: string | null;
  /** Whether something was changed since. */
  stale: boolean;
  /** How many images there are in all; nothing where that is not known yet. */
  images: number | null;
}) {
  const { paths, job } = props;
  const place = useRef<HTMLDivElement>(null);
  const [before] = useState(job);
  useEffect(() => {
    // The button is elsewhere: whoever pressed it is shown what it does.
    if (job && job !== before) place.current?.scrollIntoView({ block: "nearest" });
  }, [job, before]);
  return (
    <Stack gap="sm" ref={place} className={job ? styles.tried : undefined}>
      {paths.length > 1 && (
        <Select
          label="Image to try"
          data={paths.slice(0, 1000)}
          value={props.path}
          onChange={(path) => path && props.onPath(path)}
          searchable
          limit={100}
          allowDeselect={false}
          maw={420}
        />
      )}
      {job && <Tried key={job} job={job} stale={props.stale} images={props.images} />}
    </Stack>
  );
}

function Tried(props: { job: string; stale: boolean; images: number | null }) {
  useJobEvents(props.job);
  const found = useQuery({
    queryKey: ["job", props.job],
    queryFn: () =>
      data(api.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: props.job } } })),
    // What it waits for changes without an event.
    refetchInterval: ({ state }) => (state.data?.waits ? 3000 : false),
  });
  const over = found.data !== undefined && isOver(found.data);
  const items = useQuery({
    queryKey: ["tried", props.job],
    queryFn: () =>
      data(
        api.GET("/api/v1/jobs/{job_id}/items", {
          params: { path: { job_id: props.job }, query: { limit: 1 } },
        }),
      ),
    enabled: over,
  });
  const [drawn, setDrawn] = useState(true);
  if (found.isError && asProblem(found.error).status === 404) return null;
  const { data: job } = found;
  const item = items.data?.items[0];
  if (!job || !over) {
    return (
      <Card withBorder padding="sm" aria-busy="true">
        <Text size="sm" mb={6} role="status">
          {job?.waits
            ? sentence(job.waits)
            : job?.state === "running"
              ? "Trying"
              : "Waiting for its turn"}
        </Text>
        <Progress value={100} animated size="sm" aria-label="Try on one image" />
      </Card>
    );
  }
  if (job.done === 0) {
    return (
      <Alert color="red" variant="light" title="This image could not be done" role="alert">
        <Text size="sm">{item?.error || job.reason || "No image was found in it."}</Text>
      </Alert>
    );
  }
  return (
    <Card withBorder padding="sm">
      <Group align="flex-start" gap="md">
        {drawn && (
          <Anchor component={Link} href={`/jobs/${job.id}/images/0`} aria-label="Look closely">
            <img
              className={styles.preview}
              src={`/api/v1/jobs/${job.id}/items/0/preview.png?size=640`}
              alt="What was found, outlined"
              onError={() => setDrawn(false)}
            />
          </Anchor>
        )}
        <Stack gap={6} flex={1} miw={200}>
          <Text size="sm" fw={600} role="status">
            {counted(job.objects, "object")} found in {duration(job.seconds)}
          </Text>
          {item?.notes.map((note) => (
            <Text key={note} size="xs" c="dimmed">
              {note}
            </Text>
          ))}
          {job.cost && props.images !== null && props.images > 1 && (
            <Text size="sm">
              {`All ${counted(props.images, "image")} will cost about ${measured(job.cost.spent * props.images)} ${job.cost.currency}.`}
            </Text>
          )}
          {props.stale && (
            <Text size="xs" c="dimmed">
              Something was changed since; try again to see what it does.
            </Text>
          )}
          <Group gap="xs">
            <Button
              component={Link}
              href={`/jobs/${job.id}/images/0`}
              size="compact-sm"
              variant="default"
            >
              Look closely
            </Button>
          </Group>
        </Stack>
      </Group>
    </Card>
  );
}
