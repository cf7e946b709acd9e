import { Anchor, Text } from "@mantine/core";
import { Link } from "wouter";
import { count, when } from "../ui/words";
import { Grid } from "./grid";
import { useFailures } from "./queries";
import { Section } from "./section";

/** Why images failed of late. */
export function FailuresTable() {
  return (
    <Section title="Failures" about="Those alike together, of all jobs." asked={useFailures()}>
      {(failures) => (
        <Grid
          label="Failures"
          rows={failures}
          keyOf={(one) => one.reason}
          empty="No image has failed."
          columns={[
            { head: "Images", number: true, cell: (one) => count(one.count) },
            {
              head: "Reason of the newest",
              cell: (one) => (
                <Text size="sm" style={{ overflowWrap: "anywhere" }}>
                  {one.reason}
                </Text>
              ),
            },
            {
              head: "Where",
              cell: (one) => (
                <Anchor component={Link} href={`/jobs/${one.job}/images/${one.item}`} size="sm">
                  image {one.item + 1} of job {one.job.slice(0, 6)}
                </Anchor>
              ),
            },
            { head: "When", cell: (one) => when(one.time) },
          ]}
        />
      )}
    </Section>
  );
}
