import { Button, Checkbox, Group, SimpleGrid, Skeleton, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, data } from "../../api/client";
import { isOver } from "../../api/events";
import type { Job } from "../../api/queries";
import { ProblemView } from "../../ui/problem-view";
import { counted } from "../../ui/words";
import { Section } from "./section";
import { zipOf } from "./zip";

/** Chooses formats, and downloads all results in them as one zip. */
export function Formats(props: { job: Job }) {
  const { job } = props;
  const [given, setGiven] = useState<string[] | null>(null);
  const query = useQuery({
    queryKey: ["formats", job.id],
    queryFn: () =>
      data(api.GET("/api/v1/jobs/{job_id}/formats", { params: { path: { job_id: job.id } } })),
    staleTime: 60_000,
  });
  const formats = query.data ?? [];
  const stored = formats.flatMap((one) => (one.stored ? [one.name] : []));
  const chosen = given ?? stored;
  const made = formats.filter((one) => chosen.includes(one.name) && !one.stored);
  return (
    <Section
      title="Download the results"
      about={
        isOver(job)
          ? `One zip of ${counted(job.done, "image")}, in the formats that you choose.`
          : `One zip of the ${counted(job.done, "image")} that are done by now; tables come when all are.`
      }
    >
      {query.isPending && <Skeleton height={150} />}
      {query.isError && <ProblemView error={query.error} retry={() => void query.refetch()} />}
      {query.data && (
        <>
          <Checkbox.Group value={[...chosen]} onChange={setGiven} aria-label="Formats">
            <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }} spacing="xs" verticalSpacing="xs">
              {formats.map((one) => (
                <Checkbox.Card key={one.name} value={one.name} p="xs" withBorder miw={0}>
                  <Group wrap="nowrap" align="flex-start" gap="xs">
                    <Checkbox.Indicator mt={2} />
                    <div>
                      <Text size="sm" fw={500}>
                        {one.title}
                      </Text>
                      <Text size="xs" c="dimmed">
                        {one.summary}
                      </Text>
                    </div>
                  </Group>
                </Checkbox.Card>
              ))}
            </SimpleGrid>
          </Checkbox.Group>
          <Group>
            {chosen.length > 0 ? (
              <Button component="a" href={zipOf(job, formats, chosen)} download>
                Download
              </Button>
            ) : (
              <Button disabled>Download</Button>
            )}
            <Text size="sm" c="dimmed" role="status">
              {chosen.length === 0
                ? "Choose a format."
                : made.length > 0
                  ? `${made.map((one) => one.title).join(", ")}: made while it is sent, which takes longer.`
                  : "As the job wrote them: nothing has to be made first."}
            </Text>
          </Group>
        </>
      )}
    </Section>
  );
}
