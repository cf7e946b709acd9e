import { Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, data } from "../../api/client";
import type { Job } from "../../api/queries";
import { ProblemView } from "../../ui/problem-view";
import { when } from "../../ui/words";
import { Copied } from "./copied";
import { Section } from "./section";

const DAYS = [
  { value: "1", label: "1 day" },
  { value: "7", label: "7 days" },
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
];

/** Links with which colleagues see a job without an account: made, listed, ended. */
export function Shares(props: { job: Job }) {
  const params = { path: { job_id: props.job.id } };
  const cache = useQueryClient();
  const [days, setDays] = useState("7");
  const key = ["shares", props.job.id];
  const changed = () => cache.invalidateQueries({ queryKey: key });
  const shares = useQuery({
    queryKey: key,
    queryFn: () => data(api.GET("/api/v1/jobs/{job_id}/shares", { params })),
  });
  const make = useMutation({
    mutationFn: () =>
      data(api.POST("/api/v1/jobs/{job_id}/shares", { params, body: { days: Number(days) } })),
    onSuccess: changed,
  });
  const end = useMutation({
    mutationFn: (share: string) =>
      api.DELETE("/api/v1/jobs/{job_id}/shares/{share}", {
        params: { path: { ...params.path, share } },
      }),
    onSuccess: async (_, share) => {
      if (make.data?.id === share) make.reset();
      await changed();
    },
  });
  const link = make.data && `${window.location.origin}/shared#${make.data.secret}`;
  return (
    <Section
      title="A link for a colleague"
      about="Whoever has it sees this job and its results, and nothing else, until it ends."
    >
      <Group align="end" gap="xs">
        <Select
          label="It ends after"
          data={DAYS}
          value={days}
          onChange={(now) => setDays(now ?? "7")}
          allowDeselect={false}
          w={130}
        />
        <Button variant="default" loading={make.isPending} onClick={() => make.mutate()}>
          Make a link
        </Button>
      </Group>
      {make.isError && <ProblemView error={make.error} />}
      {link && make.data && (
        <Stack gap={4}>
          <Group gap="xs" wrap="nowrap" align="end">
            <TextInput
              label="The link, which is shown this once"
              value={link}
              readOnly
              flex={1}
              miw={0}
              onFocus={(event) => event.currentTarget.select()}
            />
            <Copied text={link} name="the link" />
          </Group>
          <Text size="sm" c="dimmed">
            It ends on {when(make.data.expires)}.
          </Text>
        </Stack>
      )}
      {shares.isError && <ProblemView error={shares.error} retry={() => void shares.refetch()} />}
      {end.isError && <ProblemView error={end.error} />}
      {shares.data?.map((share) => (
        <Group key={share.id} justify="space-between" wrap="nowrap">
          <Text size="sm">
            Made {when(share.created)}, ends {when(share.expires)}
          </Text>
          <Button
            size="xs"
            variant="subtle"
            flex="none"
            loading={end.isPending && end.variables === share.id}
            onClick={() => end.mutate(share.id)}
            aria-label={`End the link made ${when(share.created)}`}
          >
            End it
          </Button>
        </Group>
      ))}
    </Section>
  );
}
