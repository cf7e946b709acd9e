import {
  Button,
  Checkbox,
  Group,
  NativeSelect,
  Paper,
  Stack,
  TextInput,
  Title,
} from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, data, type Schema } from "../api/client";
import type { Me } from "../api/queries";
import { ProblemView } from "../ui/problem-view";
import { lifetimes, usual } from "./lifetimes";
import { SCOPES } from "./words";

type NewToken = Schema<"NewToken">;
type Scope = NonNullable<NewToken["scopes"]>[number];

/** Scopes that are offered first: what people work with. */
const USUAL = ["read", "write"];

/** A form for a token of one's own. */
export function NewTokenForm(props: {
  me: Me;
  made: (token: Schema<"MadeToken">) => void;
  cancel: () => void;
}) {
  const cache = useQueryClient();
  const choices = lifetimes(props.me, Date.now() / 1000);
  const [label, setLabel] = useState("");
  const [days, setDays] = useState(usual(choices));
  const offered = props.me.scopes;
  const [scopes, setScopes] = useState(offered.filter((one) => USUAL.includes(one)));
  const [none, setNone] = useState(false);
  const make = useMutation({
    mutationFn: (body: NewToken) => data(api.POST("/api/v1/tokens", { body })),
    onSuccess: (made) => {
      void cache.invalidateQueries({ queryKey: ["tokens"] });
      props.made(made);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setNone(scopes.length === 0);
    if (scopes.length === 0) return;
    make.mutate({ label: label.trim(), days: Number(days), scopes: scopes as Scope[] });
  };
  return (
    <Paper withBorder p="md" component="form" onSubmit={submit} aria-labelledby="new-token">
      <Stack>
        <Title order={2} size="h4" id="new-token">
          New token
        </Title>
        <TextInput
          label="What it is for"
          description="Such as the machine that it will be on."
          maxLength={200}
          value={label}
          onChange={(event) => setLabel(event.currentTarget.value)}
          data-autofocus
        />
        <NativeSelect
          label="How long it is good"
          data={choices}
          value={days}
          onChange={(event) => setDays(event.currentTarget.value)}
        />
        <Checkbox.Group
          label="What it may do"
          value={scopes}
          onChange={(chosen) => {
            setScopes(chosen);
            setNone(false);
          }}
          error={none ? "Choose at least one." : null}
        >
          <Stack gap="xs" mt="xs">
            {offered.map((one) => (
              <Checkbox key={one} value={one} label={SCOPES[one] ?? one} />
            ))}
          </Stack>
        </Checkbox.Group>
        {make.isError && <ProblemView title="The token was not made" error={make.error} />}
        <Group>
          <Button type="submit" loading={make.isPending}>
            Make the token
          </Button>
          <Button variant="default" onClick={props.cancel}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </Paper>
  );
}
