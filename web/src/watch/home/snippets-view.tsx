import { Box, Code, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { useState } from "react";
import { api, data } from "../../api/client";
import type { Job } from "../../api/queries";
import { Copied } from "./copied";
import { Section } from "./section";
import { snippets } from "./snippet";

/** Uploads whose files are looked at for the names in a command. */
const UPLOADS = 5;

const WHERE = [
  { value: "kiosk", label: "On this kiosk" },
  { value: "here", label: "On my machine" },
];

const HOW = [
  { value: "shell", label: "Shell" },
  { value: "python", label: "Python" },
];

/** What does the same as a job, to be copied: as a command, and in Python. */
export function SnippetsView(props: { job: Job; guest: boolean }) {
  const { job, guest } = props;
  const [where, setWhere] = useState(guest ? "here" : "kiosk");
  const [how, setHow] = useState("shell");
  const files = useFiles(job, !guest);
  const found = snippets(job, window.location.origin, files);
  const shell = where === "kiosk" ? found.submit : found.run;
  const python = where === "kiosk" ? found.client : found.python;
  const text = how === "shell" ? shell : python;
  return (
    <Section
      title="The same again"
      about="From a shell or a program, with the options of this job."
    >
      <Group gap="xs">
        {!guest && (
          <SegmentedControl
            size="xs"
            data={WHERE}
            value={where}
            onChange={setWhere}
            aria-label="Where it is done"
          />
        )}
        <SegmentedControl
          size="xs"
          data={HOW}
          value={how}
          onChange={setHow}
          aria-label="In what it is written"
        />
      </Group>
      <Box miw={0}>
        <Code block tabIndex={0} aria-label="What to run" data-snippet={`${where} ${how}`}>
          {text}
        </Code>
      </Box>
      <Group justify="space-between" align="flex-start" wrap="nowrap">
        <Stack gap={2}>
          {found.notes.map((note) => (
            <Text size="xs" c="dimmed" key={note}>
              {note}
            </Text>
          ))}
          <Text size="xs" c="dimmed">
            {where === "kiosk"
              ? "Needs pip install cytomill, and your token in CYTOMILL_TOKEN."
              : "Needs pip install cytomill; images stay where they are."}
          </Text>
        </Stack>
        <Copied text={text} name="what to run" />
      </Group>
    </Section>
  );
}

/** The names of the files of a job's uploads, where there is one and it is still there. */
function useFiles(job: Job, may: boolean): ReadonlyMap<string, readonly string[]> {
  const uploads = job.inputs
    .flatMap((input) => (typeof input.upload === "string" ? [input.upload] : []))
    .slice(0, UPLOADS);
  return useQueries({
    queries: uploads.map((upload) => ({
      queryKey: ["upload files", upload],
      queryFn: () => {
        const params = { path: { upload }, query: { limit: 2 } };
        return data(api.GET("/api/v1/uploads/{upload}/files", { params }));
      },
      enabled: may,
      retry: false,
      staleTime: 60_000,
    })),
    combine: (found) =>
      new Map(
        uploads.map((upload, place) => [
          upload,
          found[place]?.data?.files.map((file) => file.path) ?? [],
        ]),
      ),
  });
}
