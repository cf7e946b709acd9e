import { Anchor, Center, Container, Loader, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { Link, useLocation } from "wouter";
import { api, data } from "../api/client";
import { asProblem, Problem } from "../api/problem";
import { ProblemView } from "../ui/problem-view";
import { useTitle } from "../ui/title";
import { useSignIn } from "./session";
import { SignedInElsewhere } from "./signed-in-elsewhere";
import { AGAIN, placeIn } from "./words";

/** Where the provider leads back to. */
export function SignInBack() {
  useTitle("Sign in");
  const [, go] = useLocation();
  const signIn = useSignIn();
  const back = useQuery({
    queryKey: ["sign-in-back"],
    queryFn: come,
    // A code is good once.
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  const begun = useRef(false);
  const { data: found } = back;
  const { mutate, isSuccess } = signIn;
  useEffect(() => {
    if (!found || begun.current) return;
    begun.current = true;
    mutate(found.token);
  }, [found, mutate]);
  const again = found?.place === AGAIN;
  useEffect(() => {
    if (isSuccess && found && !again) {
      go(placeIn(`?to=${encodeURIComponent(found.place)}`), { replace: true });
    }
  }, [isSuccess, found, again, go]);
  if (isSuccess && again) return <SignedInElsewhere />;
  const problem = back.error ?? signIn.error;
  if (problem) {
    return (
      <Container size={440} py={64} component="main">
        <Stack>
          <Title order={1}>Sign in</Title>
          <ProblemView title="You could not be signed in" error={refused(problem)} />
          <Anchor component={Link} href="/sign-in">
            Back to signing in
          </Anchor>
        </Stack>
      </Container>
    );
  }
  return (
    <Center mih="100vh">
      <Loader aria-label="Signing in" />
    </Center>
  );
}

async function come(): Promise<{ token: string; place: string }> {
  const session = await data(api.GET("/api/v1/session"));
  if (!session.oidc) {
    throw new Problem(-1, "none", "This kiosk has no provider to sign in at.", "Use a token.");
  }
  const { comeBack } = await import("./oidc");
  return comeBack(session.oidc);
}

/** What the provider, or the kiosk, says of it. */
function refused(error: unknown): Problem {
  const problem = asProblem(error);
  if (problem.status === 401) {
    return new Problem(
      401,
      problem.code,
      "The kiosk does not take what the provider says of you.",
      "Tell who runs this kiosk.",
    );
  }
  if (problem.status !== -1) return problem;
  return new Problem(-1, "provider", problem.message, "Sign in once more, or use a token.");
}
