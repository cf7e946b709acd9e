import { memo } from "react";
import { Link } from "wouter";
import type { Item } from "../../api/queries";
import { counted, measured } from "../../ui/words";
import styles from "./images.module.css";
import { reasonOf, secondsOf } from "./pages";
import { Thumbnail } from "./thumbnail";

const STATES = {
  waiting: { word: "Waiting", colour: "gray" },
  running: { word: "Running", colour: "blue" },
  done: { word: "Done", colour: "teal" },
  failed: { word: "Failed", colour: "red" },
} as const;

/**
 * An image in the list of a job; its outline where it is not known yet. Plain elements, for dozens
 * of rows are drawn within a frame when one scrolls.
 */
export const ImageRow = memo(function ImageRow(props: {
  job: string;
  item: Item | undefined;
  row: number;
  rows: number;
  top: number;
  tabbed: boolean;
  focused: (row: number) => void;
}) {
  const { job, item, row } = props;
  return (
    <li
      className={styles.row}
      style={{ transform: `translateY(${props.top}px)` }}
      aria-setsize={props.rows}
      aria-posinset={row + 1}
    >
      {item ? (
        <Link
          href={`/jobs/${job}/images/${item.index}`}
          className={styles.link}
          tabIndex={props.tabbed ? 0 : -1}
          data-row={row}
          onFocus={() => props.focused(row)}
        >
          <Thumbnail job={job} item={item} />
          <About item={item} />
          <span className={`${styles.number} ${styles.wide}`}>
            {item.state === "done" && counted(item.objects, "object")}
          </span>
          <span className={`${styles.number} ${styles.wide} ${styles.quiet}`}>
            {secondsOf(item) > 0 && `${measured(secondsOf(item))} s`}
          </span>
          <span className={styles.state}>
            <span
              className={styles.mark}
              style={{ backgroundColor: `var(--mantine-color-${STATES[item.state].colour}-6)` }}
              aria-hidden="true"
            />
            {STATES[item.state].word}
          </span>
        </Link>
      ) : (
        <div className={styles.link} aria-busy="true">
          <Thumbnail job={job} item={undefined} />
          <div className={styles.coming} />
        </div>
      )}
    </li>
  );
});

function About(props: { item: Item }) {
  const { item } = props;
  const failed = item.state === "failed";
  const below = failed ? reasonOf(item) : item.notes.join("; ");
  return (
    <span className={styles.about}>
      <span className={styles.name} title={item.name}>
        {item.name}
      </span>
      <span className={styles.below} data-failed={failed || undefined} title={below}>
        {item.state === "done" && (
          <span className={styles.narrow}>
            {counted(item.objects, "object")}
            {below && " · "}
          </span>
        )}
        {below}
      </span>
    </span>
  );
}
