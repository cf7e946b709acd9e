import { Button, Group, Skeleton, Stack, Switch, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Schema } from "../api/client";
import { useMe } from "../api/queries";
import { Empty } from "../ui/empty";
import { Pending } from "../ui/pending";
import { ProblemView } from "../ui/problem-view";
import { useTitle } from "../ui/title";
import { MadeTokenView } from "./made-token";
import { NewTokenForm } from "./new-token";
import { TokenList } from "./token-list";

/** The page "Tokens": one's own, and everybody's for administrators. */
export function Tokens() {
  useTitle("Tokens");
  const me = useMe().data;
  const [everybody, setEverybody] = useState(false);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<Schema<"MadeToken">>();
  const tokens = useQuery({
    queryKey: ["tokens", everybody],
    queryFn: () => data(api.GET("/api/v1/tokens", { params: { query: { everybody } } })),
  });
  if (!me) return null;
  const begin = () => {
    setMade(undefined);
    setMaking(true);
  };
  const mayMake = me.scopes.includes("write");
  const button = mayMake && !making && <Button onClick={begin}>New token</Button>;
  return (
    <Stack maw={900} mx="auto">
      <Group justify="space-between">
        <Title order={1}>Tokens</Title>
        {Boolean(tokens.data?.length) && button}
      </Group>
      <Text c="dimmed" maw={620}>
        With a token the command line, Python, Fiji and napari sign in as you. Make one for each
        machine, so that one that is lost can be revoked by itself.
      </Text>
      {made && <MadeTokenView made={made} done={() => setMade(undefined)} />}
      {making && (
        <NewTokenForm
          me={me}
          cancel={() => setMaking(false)}
          made={(token) => {
            setMade(token);
            setMaking(false);
          }}
        />
      )}
      {me.role === "admin" && (
        <Switch
          label="Show everybody's tokens"
          checked={everybody}
          onChange={(event) => setEverybody(event.currentTarget.checked)}
        />
      )}
      {tokens.isPending && <Waiting />}
      {tokens.isError && !tokens.data && (
        <ProblemView
          title="The tokens could not be fetched"
          error={tokens.error}
          retry={() => void tokens.refetch()}
        />
      )}
      {tokens.data?.length === 0 && !making && (
        <Empty title="There are no tokens yet" action={button}>
          Make one to use this kiosk from the command line or from Python.
        </Empty>
      )}
      {Boolean(tokens.data?.length) && (
        <TokenList tokens={tokens.data ?? []} everybody={everybody} mayRevoke={mayMake} />
      )}
    </Stack>
  );
}

function Waiting() {
  return (
    <Pending gap="xs">
      <Skeleton height={40} />
      <Skeleton height={40} />
      <Skeleton height={40} />
    </Pending>
  );
}
