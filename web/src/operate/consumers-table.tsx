import { Anchor, Text } from "@mantine/core";
import { Link } from "wouter";
import { count, duration } from "../ui/words";
import { Grid } from "./grid";
import { notes } from "./notes";
import { type Consumer, useConsumers, useScaling } from "./queries";
import { Section } from "./section";
import { most } from "./workers";

/** The consumers, and what each does now. */
export function ConsumersTable() {
  const come = most(useScaling().data, "consumer");
  return (
    <Section title="Consumers" asked={useConsumers()}>
      {(consumers) => (
        <Grid
          label="Consumers"
          rows={consumers}
          keyOf={(one) => one.name}
          empty={
            come === undefined
              ? "No consumer was heard of in the last 30 seconds: jobs wait until one is started."
              : `None runs now. Up to ${count(come)} are started as soon as there is work.`
          }
          columns={[
            {
              head: "Host",
              cell: (one) => (
                <Text size="sm" title={one.name}>
                  {one.host ? `${one.host}, ${one.process}` : one.name}
                </Text>
              ),
            },
            { head: "Up for", cell: (one) => (one.since ? since(one.since) : "–") },
            { head: "Threads", number: true, cell: (one) => one.threads || "–" },
            { head: "Done", number: true, cell: (one) => count(one.done) },
            { head: "Failed", number: true, cell: (one) => count(one.failed) },
            { head: "Does", cell: (one) => <Doing consumer={one} /> },
          ]}
        />
      )}
    </Section>
  );
}

function since(moment: number): string {
  return duration(Date.now() / 1000 - moment);
}

const VERBS: Record<string, string> = {
  list: "lists",
  item: "image",
  part: "part of image",
  merge: "merges image",
  report: "writes tables",
};

function Doing(props: { consumer: Consumer }) {
  const told = notes(props.consumer);
  return (
    <>
      {told.map((note) => (
        <Text size="sm" key={note}>
          {note}
        </Text>
      ))}
      {props.consumer.doing.length > 0 ? (
        <Tasks tasks={props.consumer.doing} />
      ) : (
        told.length === 0 && (
          <Text size="sm" c="dimmed">
            nothing
          </Text>
        )
      )}
    </>
  );
}

function Tasks(props: { tasks: Consumer["doing"] }) {
  return props.tasks.map((task) => (
    <Text size="sm" key={`${task.job} ${task.kind} ${task.item}`}>
      {VERBS[task.kind] ?? task.kind}
      {["item", "part", "merge"].includes(task.kind) && ` ${task.item + 1}`} of{" "}
      <Anchor component={Link} href={`/jobs/${task.job}`} size="sm">
        job {task.job.slice(0, 6)}
      </Anchor>
      , {duration(task.seconds)}
    </Text>
  ));
}
