import { Code, Stack, Table, Text } from "@mantine/core";
import type { Job } from "../api/queries";
import { asText, inputsOf } from "./about";

/** What a job was asked to do: with which options, of which images. */
export function AboutJob(props: { job: Job }) {
  const { job } = props;
  const options = Object.entries(job.options).map(([name, value]) => [name, asText(value)]);
  const rows: [string, string][] = [
    ["Pipeline", job.pipeline],
    ["Submitted by", job.owner],
    ["Priority among your jobs", job.priority],
    ["Images from", inputsOf(job).join("; ")],
  ];
  return (
    <Stack>
      <Table variant="vertical" layout="fixed" withTableBorder>
        <Table.Tbody>
          {rows.map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th w="40%">{name}</Table.Th>
              <Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td>
            </Table.Tr>
          ))}
          <Table.Tr>
            <Table.Th>Id</Table.Th>
            <Table.Td>
              <Code style={{ overflowWrap: "anywhere" }}>{job.id}</Code>
            </Table.Td>
          </Table.Tr>
        </Table.Tbody>
      </Table>
      <Text fw={600}>Options</Text>
      {options.length === 0 ? (
        <Text size="sm" c="dimmed">
          All as they are by default.
        </Text>
      ) : (
        <Table variant="vertical" layout="fixed" withTableBorder>
          <Table.Tbody>
            {options.map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th w="40%">{name}</Table.Th>
                <Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Stack>
  );
}
