import {
  Alert,
  Anchor,
  Code,
  Container,
  Divider,
  Group,
  Image,
  Paper,
  Stack,
  Text,
  Title,
} from "@mantine/core";
import { Redirect, useLocation, useSearch } from "wouter";
import { ProblemView } from "../ui/problem-view";
import { useTitle } from "../ui/title";
import { ProviderButton } from "./provider-button";
import { useSession, useSignIn } from "./session";
import { SignedInElsewhere } from "./signed-in-elsewhere";
import { TokenForm } from "./token-form";
import { AGAIN, isOpen, placeIn } from "./words";

/** The page "Sign in". */
export function SignIn() {
  useTitle("Sign in");
  const search = useSearch();
  const [, go] = useLocation();
  const session = useSession();
  const signIn = useSignIn();
  const again = new URLSearchParams(search).has("again");
  const place = placeIn(search);
  if (signIn.isSuccess && again) return <SignedInElsewhere />;
  if (signIn.isSuccess) {
    const { job } = signIn.data;
    return <Redirect to={job ? `/jobs/${job}` : place} replace />;
  }
  if (session.data?.signed_in && !again) return <Redirect to={place} replace />;
  const provider = session.data?.oidc;
  return (
    <Container size={440} py={{ base: "lg", sm: 64 }} component="main">
      <Stack gap="lg">
        <Group gap={8} wrap="nowrap">
          <Image src="/icon.svg" alt="" w={26} h={26} />
          <Text fw={700}>Cytomill</Text>
        </Group>
        <Title order={1}>Sign in</Title>
        {session.isError && (
          <ProblemView
            title="The kiosk does not answer"
            error={session.error}
            retry={() => void session.refetch()}
          />
        )}
        {isOpen(window.location) && (
          <Alert color="yellow" title="The way to this kiosk is not encrypted">
            Others on the network could read your token. Ask who runs it for an address with
            https://.
          </Alert>
        )}
        <Paper withBorder p="lg">
          <Stack gap="lg">
            {provider && (
              <>
                <ProviderButton provider={provider} place={again ? AGAIN : place} />
                <Divider label="or with a token" />
              </>
            )}
            <TokenForm signIn={signIn} second={Boolean(provider)} focus />
          </Stack>
        </Paper>
        <Hint />
        {again && (
          <Anchor component="button" onClick={() => go("/")} size="sm">
            Go to the jobs
          </Anchor>
        )}
      </Stack>
    </Container>
  );
}

/** Where a token comes from. */
function Hint() {
  return (
    <Stack gap={4}>
      <Text fw={600} size="sm">
        Where is my token?
      </Text>
      <Text size="sm" c="dimmed">
        Whoever runs this kiosk gives you one; it begins with <Code>cm_</Code>. If you started it
        yourself with <Code>cytomill serve</Code>, the token was printed then, and is in the file{" "}
        <Code>token</Code> of the folder that was printed after “data”.
      </Text>
    </Stack>
  );
}
