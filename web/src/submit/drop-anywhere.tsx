import { Portal, Text } from "@mantine/core";
import { useEffect, useState } from "react";
import { type Dropped, dropped } from "./gather";
import styles from "./submit.module.css";

/** Lets files be dropped anywhere on the page, and shows that they can be. */
export function DropAnywhere(props: { onDrop: (dropped: Dropped) => void }) {
  const { onDrop } = props;
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const has = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent) => {
      if (!has(event)) return;
      depth += 1;
      setOver(true);
    };
    const leave = (event: DragEvent) => {
      if (!has(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setOver(false);
    };
    const hover = (event: DragEvent) => {
      if (has(event)) event.preventDefault();
    };
    const drop = (event: DragEvent) => {
      depth = 0;
      setOver(false);
      if (!event.dataTransfer || !has(event)) return;
      event.preventDefault();
      onDrop(dropped(event.dataTransfer));
    };
    document.addEventListener("dragenter", enter);
    document.addEventListener("dragleave", leave);
    document.addEventListener("dragover", hover);
    document.addEventListener("drop", drop);
    return () => {
      document.removeEventListener("dragenter", enter);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("dragover", hover);
      document.removeEventListener("drop", drop);
    };
  }, [onDrop]);
  if (!over) return null;
  return (
    <Portal>
      <div className={styles.over}>
        <Text fw={650} size="xl">
          Drop to add
        </Text>
      </div>
    </Portal>
  );
}
