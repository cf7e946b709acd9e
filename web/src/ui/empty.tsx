import { Center, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";

/** What is shown where there is nothing yet: what would be here, and how it comes to be.
 *  `order` is that of its title, 1 where it is all of the page. */
export function Empty(props: {
  title: string;
  order?: 1 | 2;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <Center py={64} px="md">
      <Stack align="center" gap="sm" maw={460}>
        <Title order={props.order ?? 2} size="h3" ta="center">
          {props.title}
        </Title>
        {props.children && (
          <Text c="dimmed" ta="center">
            {props.children}
          </Text>
        )}
        {props.action}
      </Stack>
    </Center>
  );
}
