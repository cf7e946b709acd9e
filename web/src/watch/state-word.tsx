import { Group, Text } from "@mantine/core";
import type { Job } from "../api/queries";
import { told } from "./states";
import styles from "./watch.module.css";

/** Where a job stands: a mark in the state's colour, and the word for it. */
export function StateWord(props: { job: Job; size?: "sm" | "md" }) {
  const { word, colour } = told(props.job);
  return (
    <Group gap={8} wrap="nowrap" component="span">
      <span
        className={styles.mark}
        style={{ backgroundColor: `var(--mantine-color-${colour}-6)` }}
        aria-hidden="true"
      />
      <Text component="span" size={props.size ?? "sm"} fw={500} style={{ whiteSpace: "nowrap" }}>
        {word}
      </Text>
    </Group>
  );
}
