import {
  Anchor,
  Button,
  Center,
  Container,
  Group,
  Loader,
  Stack,
  Text,
  Title,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link, Redirect, useLocation } from "wouter";
import { api, data } from "../api/client";
import { asProblem } from "../api/problem";
import { ProblemView } from "../ui/problem-view";
import { useTitle } from "../ui/title";
import { useSignIn } from "./session";
import { takeSecret } from "./take-secret";

/** The page "Shared job": a link from a colleague is opened. */
export function Shared() {
  useTitle("Shared job");
  const [secret, setSecret] = useState(takeSecret);
  const [, go] = useLocation();
  const signIn = useSignIn();
  const { mutate, reset } = signIn;
  const user = useQuery({ queryKey: ["shared-before"], queryFn: signedInAs, gcTime: 0 });
  const free = user.data === null;

  useEffect(() => {
    const changed = () => {
      setSecret(takeSecret());
      reset();
    };
    window.addEventListener("hashchange", changed);
    return () => window.removeEventListener("hashchange", changed);
  }, [reset]);

  useEffect(() => {
    if (secret && free) mutate(secret);
  }, [secret, free, mutate]);

  if (signIn.isSuccess) {
    return <Redirect to={signIn.data.job ? `/jobs/${signIn.data.job}` : "/"} replace />;
  }
  if (!secret) {
    return (
      <Told title="This link is not whole">
        Open it as it was sent to you: it ends with a # and many letters.
      </Told>
    );
  }
  if (signIn.isError && asProblem(signIn.error).signedOut) {
    return (
      <Told title="This link has ended">
        Its time is over, whoever made it has ended it, or the job is gone. Ask them for another.
      </Told>
    );
  }
  if (signIn.isError || user.isError) {
    const retry = () => (signIn.isError ? mutate(secret) : void user.refetch());
    return (
      <Container size={440} py={64} component="main">
        <Stack>
          <Title order={1}>Shared job</Title>
          <ProblemView
            title="The link could not be opened"
            error={signIn.error ?? user.error}
            retry={retry}
          />
        </Stack>
      </Container>
    );
  }
  if (user.data && !signIn.isPending) {
    return (
      <Container size={440} py={64} component="main">
        <Stack>
          <Title order={1}>Open the shared job?</Title>
          <Text>
            You are signed in as {user.data}. With the link you see the shared job alone; to come
            back to your own, sign in again.
          </Text>
          <Group>
            <Button onClick={() => mutate(secret)}>Open the shared job</Button>
            <Button variant="default" onClick={() => go("/")}>
              Go to your own jobs
            </Button>
          </Group>
        </Stack>
      </Container>
    );
  }
  return (
    <Center mih="100vh">
      <Loader aria-label="Opening the shared job" />
    </Center>
  );
}

/** Who is signed in, to whom the link would be the way out; null where nobody is. */
async function signedInAs(): Promise<string | null> {
  const session = await data(api.GET("/api/v1/session"));
  if (!session.signed_in || session.free) return null;
  const me = await data(api.GET("/api/v1/me"));
  return me.job ? null : me.user;
}

function Told(props: { title: string; children: string }) {
  return (
    <Container size={440} py={64} component="main">
      <Stack>
        <Title order={1}>{props.title}</Title>
        <Text>{props.children}</Text>
        <Anchor component={Link} href="/sign-in">
          Sign in with a token
        </Anchor>
      </Stack>
    </Container>
  );
}
