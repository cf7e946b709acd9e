import { Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** A part of the page with its heading. */
export function Section(props: { title: string; id?: string; children: ReactNode }) {
  return (
    <Stack gap="sm" component="section">
      <Title order={2} size="h3" id={props.id}>
        {props.title}
      </Title>
      {props.children}
    </Stack>
  );
}
