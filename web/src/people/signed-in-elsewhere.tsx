import { Anchor, Container, Stack, Text, Title } from "@mantine/core";
import { useEffect } from "react";
import { Link } from "wouter";

/** The end of signing in for another tab, which has gone on already. */
export function SignedInElsewhere() {
  useEffect(() => window.close(), []);
  return (
    <Container size={440} py={64} component="main">
      <Stack role="status">
        <Title order={1}>You are signed in</Title>
        <Text>Go back to the tab where you were: it has gone on. This one can be closed.</Text>
        <Anchor component={Link} href="/">
          Or go to the jobs here
        </Anchor>
      </Stack>
    </Container>
  );
}
