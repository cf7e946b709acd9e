import { SegmentedControl, Stack, VisuallyHidden } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState } from "react";
import { count } from "../ui/words";
import type { Corrections } from "./corrections";
import { FileRow } from "./file-row";
import { isBad, type Row } from "./rows";
import styles from "./submit.module.css";
import type { Uploading } from "./uploading";

/** The files, of which only those are drawn that can be seen. */
export function FileList(props: {
  rows: Row[];
  uploading: Uploading;
  corrections: Corrections;
  faulty: ReadonlySet<string>;
}) {
  const { rows, faulty } = props;
  const bad = rows.filter((row) => isBad(row) || faulty.has(row.path));
  const [chosen, setChosen] = useState("all");
  const shown = chosen === "bad" && bad.length > 0 ? bad : rows;
  const box = useRef<HTMLUListElement>(null);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => box.current,
    getItemKey: (index) => shown[index]?.path ?? index,
    estimateSize: () => 77,
    overscan: 4,
  });
  return (
    <Stack gap="xs">
      {bad.length > 0 && (
        <SegmentedControl
          size="xs"
          value={shown === bad ? "bad" : "all"}
          onChange={setChosen}
          aria-label="Which files are shown"
          data={[
            { value: "all", label: `All (${count(rows.length)})` },
            { value: "bad", label: `With problems (${count(bad.length)})` },
          ]}
          style={{ alignSelf: "flex-start" }}
        />
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <ul ref={box} className={styles.list} tabIndex={0} aria-label="Files">
        <li aria-hidden="true" style={{ height: virtual.getTotalSize(), listStyle: "none" }} />
        {virtual.getVirtualItems().map((item) => {
          const row = shown[item.index];
          return (
            row && (
              <li
                key={item.key}
                ref={virtual.measureElement}
                data-index={item.index}
                className={styles.row}
                style={{ transform: `translateY(${item.start}px)` }}
                aria-setsize={shown.length}
                aria-posinset={item.index + 1}
              >
                <FileRow
                  row={row}
                  upload={props.uploading.uploader.upload}
                  uploading={props.uploading}
                  corrections={props.corrections}
                />
              </li>
            )
          );
        })}
      </ul>
      <VisuallyHidden role="status">
        {bad.length > 0 ? `${count(bad.length)} with problems` : ""}
      </VisuallyHidden>
    </Stack>
  );
}
