import { Box, Skeleton, Stack, VisuallyHidden } from "@mantine/core";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Job } from "../../api/queries";
import { counted } from "../../ui/words";
import { JobCard } from "./job-card";

/** Pixels that a card has as long as nobody has measured it. */
const HEIGHT = 92;

/** A list of jobs of any length, of which those in view are drawn; `more` is asked for at its end. */
export function JobList(props: { jobs: Job[]; more?: () => void; loading: boolean }) {
  const { jobs, more } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(box.current?.offsetTop ?? 0), []);
  const rows = useWindowVirtualizer({
    count: jobs.length,
    estimateSize: () => HEIGHT,
    overscan: 6,
    gap: 10,
    scrollMargin: top,
    getItemKey: (index) => jobs[index]?.id ?? index,
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !props.loading && last >= jobs.length - 8) more();
  }, [more, props.loading, last, jobs.length]);
  return (
    <>
      <VisuallyHidden role="status">
        {counted(jobs.length, "job")}
        {more ? " so far" : ""}
      </VisuallyHidden>
      <Box ref={box} pos="relative" h={rows.getTotalSize()} role="list" aria-label="Jobs">
        {shown.map((row) => {
          const job = jobs[row.index];
          if (!job) return null;
          return (
            <Box
              key={row.key}
              role="listitem"
              ref={rows.measureElement}
              data-index={row.index}
              pos="absolute"
              left={0}
              right={0}
              top={0}
              style={{ transform: `translateY(${row.start - top}px)` }}
            >
              <JobCard listed={job} />
            </Box>
          );
        })}
      </Box>
      {props.loading && (
        <Stack gap={10} mt={10} aria-hidden="true">
          <Skeleton height={HEIGHT} />
          <Skeleton height={HEIGHT} />
        </Stack>
      )}
    </>
  );
}
