import { Text } from "@mantine/core";
import { defaultRangeExtractor, useWindowVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useLayoutEffect, useRef, useState } from "react";
import type { Job } from "../../api/queries";
import { ProblemView } from "../../ui/problem-view";
import { ImageRow } from "./image-row";
import styles from "./images.module.css";
import { about, type ItemState, PART, pagesOf, rowsOf } from "./pages";
import { usePages } from "./use-pages";

/** Pixels of a row, and rows that a page of the keyboard has. */
const HEIGHT = 64;
const LEAP = 10;

/** The images of a job, or those in `state`: of any number, those in view are asked for and drawn. */
export function ImageList(props: { job: Job; state: ItemState | null; part: number }) {
  const { job, state, part } = props;
  const start = part * PART;
  const box = useRef<HTMLUListElement>(null);
  const [margin, setMargin] = useState(0);
  const [active, setActive] = useState(0);
  const [known, setKnown] = useState({ guess: -1, rows: 0 });
  const guess = about(job, state);
  const all = known.guess === guess ? known.rows : guess;
  const rows = Math.max(0, Math.min(PART, all - start));
  // What stands above the list can change its height.
  useLayoutEffect(() => {
    const look = () => {
      if (box.current) setMargin(box.current.getBoundingClientRect().top + window.scrollY);
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(document.body);
    return () => observer.disconnect();
  }, []);
  const list = useWindowVirtualizer({
    count: rows,
    estimateSize: () => HEIGHT,
    overscan: 6,
    scrollMargin: margin,
    // The row that has the focus stays, wherever one scrolls.
    rangeExtractor: (range) => {
      const found = defaultRangeExtractor(range);
      return active >= rows || found.includes(active)
        ? found
        : [...found, active].sort((a, b) => a - b);
    },
  });
  const shown = list.getVirtualItems();
  const inView = list.range ?? { startIndex: 0, endIndex: 0 };
  const pages = pagesOf(start + inView.startIndex, start + Math.max(inView.endIndex, 0));
  const found = usePages(job, state, pages);
  const counted = state === null ? all : rowsOf(guess, found.told);
  if (found.told.length > 0 && (known.guess !== guess || known.rows !== counted)) {
    setKnown({ guess, rows: counted });
  }
  const go = (row: number) => {
    const to = Math.max(0, Math.min(rows - 1, row));
    setActive(to);
    list.scrollToIndex(to, { align: "auto" });
    // The row is drawn once the list has moved.
    const focus = (tries: number) => {
      const link = box.current?.querySelector<HTMLElement>(`[data-row="${to}"]`);
      if (link) link.focus({ preventScroll: true });
      else if (tries > 0) requestAnimationFrame(() => focus(tries - 1));
    };
    requestAnimationFrame(() => focus(60));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + LEAP,
      PageUp: active - LEAP,
      Home: 0,
      End: rows - 1,
    };
    const to = steps[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go(to);
  };
  if (rows === 0 && found.told.length > 0) {
    return (
      <Text c="dimmed" ta="center" py="xl">
        {state === null ? "No images have been found yet." : "None at the moment."}
      </Text>
    );
  }
  return (
    <>
      {found.error && (
        <ProblemView
          error={found.error}
          title="These images could not be listed"
          retry={found.again}
        />
      )}
      <ul
        ref={box}
        className={styles.list}
        style={{ height: list.getTotalSize() }}
        aria-label="Images"
        onKeyDown={onKeyDown}
      >
        {shown.map((row) => (
          <ImageRow
            key={row.key}
            job={job.id}
            item={found.item(start + row.index)}
            row={row.index}
            rows={rows}
            top={row.start - margin}
            tabbed={row.index === active}
            focused={setActive}
          />
        ))}
      </ul>
    </>
  );
}
