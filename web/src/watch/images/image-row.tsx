import { Group, Skeleton, Text } from "@mantine/core";
import { Link } from "wouter";
import type { Item } from "../../api/queries";
import { count, counted, measured } from "../../ui/words";
import markStyles from "../watch.module.css";
import styles from "./images.module.css";
import { reasonOf, secondsOf } from "./pages";
import { Thumbnail } from "./thumbnail";

const STATES = {
  waiting: { word: "Waiting", colour: "gray" },
  running: { word: "Running", colour: "blue" },
  done: { word: "Done", colour: "teal" },
  failed: { word: "Failed", colour: "red" },
} as const;

/** An image in the list of a job; its outline where it is not known yet. */
export function ImageRow(props: {
  job: string;
  item: Item | undefined;
  row: number;
  rows: number;
  top: number;
  tabbed: boolean;
  onFocus: () => void;
}) {
  const { job, item } = props;
  return (
    <li
      className={styles.row}
      style={{ transform: `translateY(${props.top}px)` }}
      aria-setsize={props.rows}
      aria-posinset={props.row + 1}
    >
      {item ? (
        <Link
          href={`/jobs/${job}/images/${item.index}`}
          className={styles.link}
          tabIndex={props.tabbed ? 0 : -1}
          data-row={props.row}
          onFocus={props.onFocus}
        >
          <Thumbnail job={job} item={item} />
          <About item={item} />
          <Text size="sm" className={`${styles.number} ${styles.wide}`}>
            {item.state === "done" && counted(item.objects, "object")}
          </Text>
          <Text size="sm" c="dimmed" className={`${styles.number} ${styles.wide}`}>
            {secondsOf(item) > 0 && `${measured(secondsOf(item))} s`}
          </Text>
          <Group gap={6} wrap="nowrap">
            <span
              className={markStyles.mark}
              style={{ backgroundColor: `var(--mantine-color-${STATES[item.state].colour}-6)` }}
              aria-hidden="true"
            />
            <Text size="sm">{STATES[item.state].word}</Text>
          </Group>
        </Link>
      ) : (
        <div className={styles.link} aria-busy="true">
          <Thumbnail job={job} item={undefined} />
          <div>
            <Skeleton height={10} width="40%" animate={false} />
          </div>
        </div>
      )}
    </li>
  );
}

function About(props: { item: Item }) {
  const { item } = props;
  const below =
    item.state === "failed" ? reasonOf(item) : item.notes.length ? item.notes.join("; ") : "";
  return (
    <div>
      <Text size="sm" fw={500} truncate title={item.name}>
        {item.name}
      </Text>
      <Text
        size="xs"
        c={item.state === "failed" ? "var(--mantine-color-error)" : "dimmed"}
        truncate
        title={below}
      >
        {item.state === "done" && (
          <span className={styles.narrow}>
            {count(item.objects)} {item.objects === 1 ? "object" : "objects"}
            {below && " · "}
          </span>
        )}
        {below}
      </Text>
    </div>
  );
}
