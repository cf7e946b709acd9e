import { Box, Group, Select, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import { isOver } from "../../api/events";
import type { Job } from "../../api/queries";
import { count } from "../../ui/words";
import { ImageList } from "./image-list";
import { about, type ItemState, PART } from "./pages";
import { StateFilter } from "./state-filter";

const STATES = ["done", "failed", "waiting", "running"] as const;

/** The images of a job: which of them, and the list. */
export function Images(props: { job: Job }) {
  const { job } = props;
  const [search, setSearch] = useSearchParams();
  const state = STATES.find((one) => one === search.get("images")) ?? null;
  const [part, setPart] = useState(0);
  useLastLook(job);
  const choose = (now: ItemState | null) => {
    setPart(0);
    setSearch(
      (old) => {
        const next = new URLSearchParams(old);
        if (now) next.set("images", now);
        else next.delete("images");
        return next;
      },
      { replace: true },
    );
  };
  const rows = about(job, state);
  const parts = Array.from({ length: Math.ceil(rows / PART) }, (_, index) => ({
    value: String(index),
    label: `${count(index * PART + 1)} to ${count(Math.min(rows, (index + 1) * PART))}`,
  }));
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <StateFilter job={job} chosen={state} choose={choose} />
        {parts.length > 1 && (
          <Select
            aria-label="Part of the list"
            data={parts}
            value={String(part)}
            onChange={(now) => setPart(Number(now ?? 0))}
            allowDeselect={false}
            searchable
          />
        )}
      </Group>
      <Box>
        <ImageList key={`${state} ${part}`} job={job} state={state} part={part} />
      </Box>
    </Stack>
  );
}

/** Looks at all images a last time when the job has ended. */
function useLastLook(job: Job): void {
  const cache = useQueryClient();
  const over = isOver(job);
  const before = useRef(over);
  useEffect(() => {
    if (over && !before.current) void cache.invalidateQueries({ queryKey: ["images", job.id] });
    before.current = over;
  }, [over, cache, job.id]);
}
