import { Badge, Radio, SimpleGrid, Skeleton, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, data, type Schema } from "../api/client";
import { ProblemView } from "../ui/problem-view";
import { Picture } from "./pictures";
import { labelOf } from "./schema-form";
import styles from "./submit.module.css";

/** The pipelines, each with a picture and a sentence, of which one is chosen. */
export function Pipelines(props: { value: string; onChange: (name: string) => void }) {
  const found = useQuery({
    queryKey: ["pipelines"],
    queryFn: () => data(api.GET("/api/v1/pipelines")),
    staleTime: 60_000,
  });
  if (found.isError) {
    return (
      <ProblemView
        title="The pipelines cannot be listed"
        error={found.error}
        retry={() => void found.refetch()}
      />
    );
  }
  return (
    <Radio.Group value={props.value} onChange={props.onChange} aria-labelledby="pipelines">
      <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="sm">
        {!found.data && [1, 2, 3, 4].map((one) => <Skeleton key={one} height={190} />)}
        {ordered(found.data).map((one) => (
          <Radio.Card
            key={one.name}
            value={one.name}
            disabled={one.error !== ""}
            className={styles.card}
          >
            <div className={styles.about}>
              <Picture of={one.name} />
              <div>
                <Text size="sm" fw={650}>
                  {labelOf(one.name)}
                </Text>
                <Text size="xs" c="dimmed">
                  {one.summary}
                </Text>
                {one.error && (
                  <Badge color="red" variant="light" size="sm" title={one.error}>
                    cannot be used
                  </Badge>
                )}
              </div>
            </div>
          </Radio.Card>
        ))}
      </SimpleGrid>
    </Radio.Group>
  );
}

/** Those that most people look for come first. */
const FIRST = ["nuclei", "track", "model", "link"];

function ordered(found: Schema<"PipelineSummary">[] = []): Schema<"PipelineSummary">[] {
  const place = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return [...found].sort((one, other) => place(one.name) - place(other.name));
}
