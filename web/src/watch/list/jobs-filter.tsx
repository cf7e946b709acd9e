import { Group, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, data } from "../../api/client";
import type { Job } from "../../api/queries";
import type { Chosen } from "./listed";

const STATES: { value: Job["state"]; label: string }[] = [
  { value: "listing", label: "Looking for images" },
  { value: "running", label: "Running or waiting" },
  { value: "paused", label: "Paused" },
  { value: "done", label: "Done" },
  { value: "failed", label: "Failed" },
  { value: "cancelled", label: "Cancelled" },
];

/** Chooses which jobs are listed. */
export function JobsFilter(props: { chosen: Chosen; choose: (chosen: Chosen) => void }) {
  const { chosen, choose } = props;
  const [name, setName] = useState(chosen.name);
  const pipelines = useQuery({
    queryKey: ["pipelines"],
    queryFn: () => data(api.GET("/api/v1/pipelines")),
    staleTime: 60_000,
  });
  const search = useDebouncedCallback((text: string) => choose({ ...chosen, name: text }), 300);
  const names = new Set(pipelines.data?.map((one) => one.name));
  if (chosen.pipeline) names.add(chosen.pipeline);
  return (
    <Group gap="xs" align="end">
      <TextInput
        aria-label="Name contains"
        placeholder="Find by name"
        type="search"
        value={name}
        maxLength={200}
        onChange={(event) => {
          setName(event.currentTarget.value);
          search(event.currentTarget.value);
        }}
        flex={{ base: "1 1 100%", xs: "1 1 200px" }}
      />
      <Select
        aria-label="State"
        placeholder="Any state"
        data={STATES}
        value={chosen.state}
        onChange={(state) => choose({ ...chosen, state })}
        clearable
        flex="1 1 130px"
      />
      <Select
        aria-label="Pipeline"
        placeholder="Any pipeline"
        data={[...names]}
        value={chosen.pipeline}
        onChange={(pipeline) => choose({ ...chosen, pipeline })}
        clearable
        flex="1 1 130px"
      />
    </Group>
  );
}
