import { Paper, SimpleGrid, Text } from "@mantine/core";
import { bytes, count, duration, measured } from "../ui/words";
import {
  useConsumers,
  useQueues,
  useScaling,
  useStorage,
  useThroughput,
  useUsers,
} from "./queries";
import { money } from "./spent";
import { most } from "./workers";

/** The numbers that say at a glance how the kiosk is. */
export function Tiles() {
  const queues = useQueues().data;
  const consumers = useConsumers().data;
  const minutes = useThroughput().data;
  const storage = useStorage().data;
  const users = useUsers().data;
  const come = most(useScaling().data, "consumer");
  const waiting = queues?.queues.reduce((sum, one) => sum + one.waiting, 0);
  const age = Math.max(0, ...(queues?.queues.map((one) => one.age) ?? []));
  const threads = consumers?.reduce((sum, one) => sum + one.threads, 0) ?? 0;
  const doing = consumers?.reduce((sum, one) => sum + one.doing.length, 0) ?? 0;
  // The minute that is not over says too little.
  const lately = minutes?.slice(-6, -1) ?? [];
  const rate = lately.reduce((sum, one) => sum + one.done + one.failed, 0) / (60 * 5);
  return (
    <SimpleGrid cols={{ base: 2, md: 5 }}>
      <Tile
        name="Waiting"
        value={waiting === undefined ? "…" : count(waiting)}
        about={waiting ? `the oldest for ${duration(age)}` : "nothing waits"}
      />
      <Tile name="Speed" value={`${measured(rate)} /s`} about="images, in the last 5 minutes" />
      <Tile
        name="Consumers"
        value={consumers === undefined ? "…" : count(consumers.length)}
        about={
          come !== undefined && consumers?.length === 0
            ? `up to ${count(come)}, as there is work`
            : `${doing} of ${threads} threads at work`
        }
      />
      <Tile
        name="Free space"
        value={typeof storage?.free === "number" ? bytes(storage.free) : "not known"}
        about={typeof storage?.total === "number" ? `of ${bytes(storage.total)}` : "of the bucket"}
      />
      <Tile
        name="Cost so far"
        value={money(users?.map((one) => one.cost)) ?? "not set"}
        about={users?.some((one) => one.cost) ? "of the newest jobs" : "set CYTOMILL_PRICE"}
      />
    </SimpleGrid>
  );
}

function Tile(props: { name: string; value: string; about: string }) {
  return (
    <Paper withBorder p="md">
      <Text size="sm" c="dimmed">
        {props.name}
      </Text>
      <Text size="xl" fw={650}>
        {props.value}
      </Text>
      <Text size="xs" c="dimmed">
        {props.about}
      </Text>
    </Paper>
  );
}
