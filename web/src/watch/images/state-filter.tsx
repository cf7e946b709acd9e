import { Button, Group } from "@mantine/core";
import { isOver } from "../../api/events";
import type { Job } from "../../api/queries";
import { count } from "../../ui/words";
import type { ItemState } from "./pages";

/** Chooses which images of a job are listed, and says how many there are. */
export function StateFilter(props: {
  job: Job;
  chosen: ItemState | null;
  choose: (state: ItemState | null) => void;
}) {
  const { job, chosen, choose } = props;
  const rest = job.items - job.done - job.failed;
  const offered: { state: ItemState | null; name: string; there: boolean }[] = [
    { state: null, name: `All ${count(job.items)}`, there: true },
    { state: "done", name: `Done ${count(job.done)}`, there: true },
    { state: "failed", name: `Failed ${count(job.failed)}`, there: job.failed > 0 },
    { state: "running", name: "Running", there: !isOver(job) && rest > 0 },
    { state: "waiting", name: "Waiting", there: rest > 0 },
  ];
  return (
    <Group gap={4} role="group" aria-label="Which images">
      {offered
        .filter((one) => one.there || one.state === chosen)
        .map((one) => (
          <Button
            key={one.name.split(" ")[0]}
            size="xs"
            variant={one.state === chosen ? "light" : "subtle"}
            aria-pressed={one.state === chosen}
            onClick={() => choose(one.state)}
          >
            {one.name}
          </Button>
        ))}
    </Group>
  );
}
