import { Stack, type StackProps } from "@mantine/core";
import type { ReactNode } from "react";

/** Placeholders of what is on its way; a label is read out only where there is a role with it. */
export function Pending(props: StackProps & { children: ReactNode }) {
  return <Stack role="status" aria-busy="true" aria-label="Loading" {...props} />;
}
