import { Alert, Text } from "@mantine/core";
import { count, duration } from "../ui/words";
import { Grid } from "./grid";
import { type Pool, type Scaling, useScaling } from "./queries";
import { Section } from "./section";
import { money } from "./spent";
import { coming, lasting, troubles } from "./workers";

/** How many workers there are and should be, why, and what is amiss with them. */
export function WorkersTable() {
  return (
    <Section title="Workers" asked={useScaling()}>
      {(scaling) =>
        scaling ? (
          <Pools scaling={scaling} />
        ) : (
          <Text size="sm" c="dimmed">
            No autoscaler runs: there are the consumers and model servers that somebody started.
          </Text>
        )
      }
    </Section>
  );
}

const ROLES: Record<Pool["role"], string> = {
  consumer: "consumers",
  "model-server": "model servers",
};

function Pools(props: { scaling: Scaling }) {
  const { scaling } = props;
  const now = Date.now() / 1000;
  return (
    <>
      <Text size="sm" c="dimmed">
        On {scaling.engine}, by the policy {scaling.policy}; decided {duration(now - scaling.time)}{" "}
        ago.
      </Text>
      {troubles(scaling).map(({ about, trouble }) => (
        <Alert
          key={`${about} ${trouble.cause}`}
          color="red"
          variant="light"
          role="alert"
          title={`${about}: ${trouble.cause}`}
        >
          <Text size="sm" style={{ overflowWrap: "anywhere" }}>
            {trouble.advice}
          </Text>
          <Text size="xs" c="dimmed">
            {lasting(trouble, now)}
          </Text>
        </Alert>
      ))}
      <Grid
        label="Workers"
        rows={scaling.pools}
        keyOf={(one) => one.name}
        empty="It has no pools."
        columns={[
          {
            head: "Pool",
            cell: (one) => (
              <Text size="sm" title={ROLES[one.role]}>
                {one.name}
              </Text>
            ),
          },
          { head: "Wanted", number: true, cell: (one) => `${count(one.wanted)} of ${one.most}` },
          { head: "Coming", cell: coming },
          { head: "Ready", number: true, cell: (one) => count(one.ready) },
          { head: "At work", number: true, cell: (one) => count(one.busy) },
          { head: "Leaving", number: true, cell: (one) => count(one.draining) },
          { head: "Start takes", number: true, cell: (one) => duration(one.startup) },
          ...(scaling.currency
            ? [
                {
                  head: "Cost so far",
                  number: true,
                  cell: (one: Pool) => money([{ spent: one.spent, currency: scaling.currency }]),
                },
              ]
            : []),
          {
            head: "Why so many",
            cell: (one) => (
              <Text size="sm" style={{ minWidth: 200 }}>
                {one.why}
              </Text>
            ),
          },
        ]}
      />
    </>
  );
}
