import { Anchor, SimpleGrid, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { Job } from "../../api/queries";
import { counted } from "../../ui/words";
import { Histogram } from "./histogram";
import { bars, failuresQuery, objectsQuery } from "./sample";

/** Reasons that are shown; the list of images has them all. */
const SHOWN = 4;

/** What came of a job that has ended: objects per image, and why images failed. */
export function Summary(props: { job: Job }) {
  const { job } = props;
  const objects = useQuery({ ...objectsQuery(job), enabled: job.done > 1 && job.objects > 0 });
  const found = bars(objects.data ?? []);
  return (
    <SimpleGrid cols={{ base: 1, sm: job.failed > 0 ? 2 : 1 }} spacing="xl">
      {objects.isLoading && <Skeleton height={124} />}
      {found.length > 0 && (
        <Histogram bars={found} looked={objects.data?.length ?? 0} of={job.done} />
      )}
      {job.failed > 0 && <Failed job={job} />}
    </SimpleGrid>
  );
}

function Failed(props: { job: Job }) {
  const { job } = props;
  const { data, isLoading } = useQuery(failuresQuery(job));
  if (isLoading) return <Skeleton height={124} />;
  const groups = data?.groups ?? [];
  return (
    <Stack gap={6}>
      <Text size="xs" c="dimmed">
        Why images failed
        {data && data.looked < job.failed ? `, of the first ${data.looked}` : ""}
      </Text>
      {groups.slice(0, SHOWN).map((group) => (
        <Text size="sm" key={group.reason} style={{ overflowWrap: "anywhere" }}>
          <Text component="span" inherit fw={600}>
            {counted(group.count, "image")}:
          </Text>{" "}
          {group.reason}{" "}
          <Anchor
            component={Link}
            href={`/jobs/${job.id}/images/${group.index}`}
            inherit
            underline="always"
          >
            {group.count > 1 ? `such as ${group.name}` : group.name}
          </Anchor>
        </Text>
      ))}
      <Anchor component={Link} href={`/jobs/${job.id}?images=failed`} size="sm" w="fit-content">
        {groups.length > SHOWN ? "All reasons, image by image" : "List them"}
      </Anchor>
    </Stack>
  );
}
