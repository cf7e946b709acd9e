import { Badge, Button, Group, Paper, Stack, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Schema } from "../api/client";
import { when } from "../ui/words";
import { Confirm } from "../watch/confirm";

type Token = Schema<"TokenAnswer">;

/** Tokens, newest first, each with what it may do, until when, and a way to revoke it. */
export function TokenList(props: { tokens: Token[]; everybody: boolean; mayRevoke: boolean }) {
  const cache = useQueryClient();
  const [asked, ask] = useState<Token>();
  const revoke = useMutation({
    mutationFn: (id: string) =>
      api.DELETE("/api/v1/tokens/{token}", { params: { path: { token: id } } }),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["tokens"] });
      // It may be the one that is signed in with here.
      void cache.invalidateQueries({ queryKey: ["me"] });
      ask(undefined);
    },
  });
  const close = () => {
    ask(undefined);
    revoke.reset();
  };
  return (
    <>
      <Stack component="ul" gap="xs" m={0} p={0} style={{ listStyle: "none" }}>
        {[...props.tokens].reverse().map((token) => (
          <Paper key={token.id} component="li" withBorder p="sm">
            <Row
              token={token}
              everybody={props.everybody}
              revoke={props.mayRevoke ? () => ask(token) : undefined}
            />
          </Paper>
        ))}
      </Stack>
      <Confirm
        open={asked !== undefined}
        title={`Revoke ${asked ? called(asked) : ""}?`}
        yes="Revoke"
        no="Keep it"
        busy={revoke.isPending}
        problem={revoke.error}
        onYes={() => asked && revoke.mutate(asked.id)}
        onNo={close}
      >
        Programs that use it are refused from then on; their jobs go on. If you are signed in with
        it here, you are asked to sign in again. This cannot be taken back.
      </Confirm>
    </>
  );
}

function Row(props: { token: Token; everybody: boolean; revoke?: (() => void) | undefined }) {
  const { token } = props;
  const over = token.expires > 0 && token.expires * 1000 <= Date.now();
  return (
    <Group justify="space-between" align="flex-start" gap="xs">
      <Stack gap={4} style={{ flex: "1 1 220px", minWidth: 0 }}>
        <Group gap="xs">
          <Text fw={600} style={{ overflowWrap: "anywhere" }}>
            {token.label || "Without a label"}
          </Text>
          {props.everybody && <Badge variant="light">{token.user}</Badge>}
          {over && (
            <Badge variant="light" color="gray">
              Expired
            </Badge>
          )}
        </Group>
        <Text size="sm" c="dimmed">
          {token.role === "admin" ? "Administrator, " : ""}
          {token.scopes.join(", ")} · {token.id.slice(0, 8)}
        </Text>
        <Text size="sm" c="dimmed">
          Made {when(token.created)} · {end(token, over)} ·{" "}
          {token.used ? `used ${when(token.used)}` : "not used yet"}
        </Text>
      </Stack>
      {props.revoke && (
        <Button
          variant="default"
          size="xs"
          onClick={props.revoke}
          aria-label={`Revoke ${called(token)}`}
        >
          Revoke
        </Button>
      )}
    </Group>
  );
}

function called(token: Token): string {
  return token.label ? `“${token.label}”` : `the token ${token.id.slice(0, 8)}`;
}

function end(token: Token, over: boolean): string {
  if (!token.expires) return "without an end";
  return `${over ? "ended" : "ends"} ${when(token.expires)}`;
}
