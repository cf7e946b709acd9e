import { count, duration, measured } from "../ui/words";
import { Grid } from "./grid";
import { useQueues } from "./queries";
import { Section } from "./section";

/** What each pipeline's queue has to do. */
export function QueuesTable() {
  return (
    <Section title="Queues" asked={useQueues()}>
      {({ queues }) => (
        <Grid
          label="Queues"
          rows={queues}
          keyOf={(one) => one.name}
          empty="No job was ever submitted here."
          columns={[
            { head: "Pipeline", cell: (one) => one.name },
            { head: "Waiting", number: true, cell: (one) => count(one.waiting) },
            { head: "In hand", number: true, cell: (one) => count(one.running) },
            { head: "Oldest", number: true, cell: (one) => (one.age ? duration(one.age) : "–") },
            { head: "A task takes", number: true, cell: (one) => `${measured(one.seconds)} s` },
            { head: "Work left", number: true, cell: (one) => duration(one.work) },
          ]}
        />
      )}
    </Section>
  );
}
