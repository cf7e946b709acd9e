import { Stack, Title } from "@mantine/core";
import { useMe } from "../api/queries";
import { Empty } from "../ui/empty";
import { useTitle } from "../ui/title";
import { ConsumersTable } from "./consumers-table";
import { FailuresTable } from "./failures-table";
import { ModelsTable } from "./models-table";
import { useThroughput } from "./queries";
import { QueuesTable } from "./queues-table";
import { Section } from "./section";
import { Throughput } from "./throughput";
import { Tiles } from "./tiles";
import { StorageTable, UsersTable } from "./users-table";
import { WorkersTable } from "./workers-table";

/** What administrators see of the kiosk. */
export function Operate() {
  useTitle("Operate");
  const me = useMe().data;
  if (me && !me.scopes.includes("admin")) {
    return (
      <Empty title="This is for administrators">Ask who runs this kiosk for such a token.</Empty>
    );
  }
  return <View />;
}

function View() {
  return (
    <Stack maw={1200} mx="auto">
      <Title order={1}>Operate</Title>
      <Tiles />
      <Section title="Images a minute" asked={useThroughput()}>
        {(minutes) => <Throughput minutes={minutes} />}
      </Section>
      <QueuesTable />
      <WorkersTable />
      <ConsumersTable />
      <ModelsTable />
      <FailuresTable />
      <UsersTable />
      <StorageTable />
    </Stack>
  );
}
