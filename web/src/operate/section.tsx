import { Paper, Skeleton, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { ProblemView } from "../ui/problem-view";

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  refetch: () => unknown;
}

/** A part of the operators' view: its title, and what was asked for, or why it is not there. */
export function Section<T>(props: {
  title: string;
  about?: string;
  asked: Asked<T>;
  children: (data: T) => ReactNode;
}) {
  const { asked } = props;
  return (
    <Paper withBorder p="md" component="section" aria-label={props.title}>
      <Stack gap="sm">
        <div>
          <Title order={2} size="h4">
            {props.title}
          </Title>
          {props.about && (
            <Text size="sm" c="dimmed">
              {props.about}
            </Text>
          )}
        </div>
        {asked.data !== undefined && props.children(asked.data)}
        {asked.data === undefined && !asked.error && <Skeleton height={72} />}
        {Boolean(asked.error) && (
          <ProblemView
            title={asked.data === undefined ? "This cannot be shown" : "This may be out of date"}
            error={asked.error}
            retry={() => asked.refetch()}
          />
        )}
      </Stack>
    </Paper>
  );
}
