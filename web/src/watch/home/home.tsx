import { SimpleGrid, Stack } from "@mantine/core";
import type { Job } from "../../api/queries";
import { Empty } from "../../ui/empty";
import { isAtWork } from "../states";
import { Formats } from "./formats";
import { Shares } from "./shares";
import { SnippetsView } from "./snippets-view";
import { Tables } from "./tables";

/** What there is to take home of a job: its results, a link for a colleague, the same as a command. */
export function Home(props: { job: Job; mayShare: boolean }) {
  const { job, mayShare } = props;
  return (
    <Stack>
      {job.done > 0 ? (
        <>
          <Formats job={job} />
          <Tables job={job} />
        </>
      ) : (
        <Empty title="Nothing to download yet">
          {isAtWork(job) || job.state === "paused"
            ? "Results can be downloaded as soon as the first image is done."
            : "None of its images has been done."}
        </Empty>
      )}
      <SimpleGrid cols={{ base: 1, md: mayShare ? 2 : 1 }}>
        {mayShare && <Shares job={job} />}
        <SnippetsView job={job} guest={!mayShare} />
      </SimpleGrid>
    </Stack>
  );
}
