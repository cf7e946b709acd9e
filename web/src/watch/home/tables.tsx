import { Anchor, Group, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, data } from "../../api/client";
import { isOver } from "../../api/events";
import type { Job } from "../../api/queries";
import { ProblemView } from "../../ui/problem-view";
import { bytes } from "../../ui/words";
import { Section } from "./section";

/** The tables of a job, each on its own. */
export function Tables(props: { job: Job }) {
  const { job } = props;
  const query = useQuery({
    queryKey: ["report", job.id, job.finished],
    queryFn: () =>
      data(api.GET("/api/v1/jobs/{job_id}/report", { params: { path: { job_id: job.id } } })),
    enabled: isOver(job),
  });
  if (query.isError) return <ProblemView error={query.error} retry={() => void query.refetch()} />;
  if (!query.data?.length) return null;
  return (
    <Section
      title="Tables alone"
      about="Of all images together: small, for a spreadsheet, R or Python."
    >
      <Table>
        <Table.Tbody>
          {query.data.map((one) => (
            <Table.Tr key={one.name}>
              <Table.Td px={0}>
                <Anchor href={one.url} download={one.name} size="sm">
                  {one.name}
                </Anchor>
              </Table.Td>
              <Table.Td px={0}>
                <Group justify="flex-end">
                  <Text size="sm" c="dimmed">
                    {bytes(one.bytes)}
                  </Text>
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  );
}
