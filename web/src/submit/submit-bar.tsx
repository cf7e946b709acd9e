import { Button, Group, Text } from "@mantine/core";
import { counted } from "../ui/words";
import styles from "./submit.module.css";

/** The two ways on, always in sight: one image first, or all. */
export function SubmitBar(props: {
  note: string;
  alarming: boolean;
  /** Images that will be done; nothing where that is not known. */
  images: number | null;
  /** Whether all is uploaded. */
  ready: boolean;
  /** Whether all is run as soon as it is. */
  armed: boolean;
  busy: "try" | "run" | null;
  canTry: boolean;
  canRun: boolean;
  onTry: () => void;
  onRun: () => void;
}) {
  const { busy, images, ready, armed } = props;
  const all =
    images === null
      ? "Run all"
      : images === 1
        ? "Run 1 image"
        : `Run all ${counted(images, "image")}`;
  return (
    <Group className={styles.bar} mt="lg" justify="flex-end" gap="sm">
      <Text
        size="sm"
        c={props.alarming ? "var(--mantine-color-error)" : "dimmed"}
        role="status"
        className={styles.note}
      >
        {props.note}
      </Text>
      <Button
        variant="default"
        disabled={!props.canTry || busy !== null}
        loading={busy === "try"}
        onClick={props.onTry}
      >
        Try on one image first
      </Button>
      <Button
        variant={!ready && armed ? "light" : "filled"}
        disabled={!props.canRun || busy !== null}
        loading={busy === "run"}
        onClick={props.onRun}
        aria-pressed={ready ? undefined : armed}
      >
        {ready ? all : "Run when all is uploaded"}
      </Button>
    </Group>
  );
}
