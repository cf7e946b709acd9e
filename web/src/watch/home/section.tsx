import { Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A way to take something home. */
export function Section(props: { title: string; about: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" miw={0}>
      <Stack gap="sm">
        <div>
          <Title order={2} size="h4">
            {props.title}
          </Title>
          <Text size="sm" c="dimmed">
            {props.about}
          </Text>
        </div>
        {props.children}
      </Stack>
    </Paper>
  );
}
