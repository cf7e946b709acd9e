import { Center, Container, Loader } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import { Redirect, useLocation } from "wouter";
import { SIGNED_OUT } from "../api/client";
import { asProblem } from "../api/problem";
import { useMe } from "../api/queries";
import { ProblemView } from "../ui/problem-view";

/** Shows its children to those who are signed in, and the others where to do so. */
export function SignedIn(props: { children: ReactNode }) {
  const me = useMe();
  const [place] = useLocation();
  const { refetch } = me;
  useEffect(() => {
    const asked = () => void refetch();
    window.addEventListener(SIGNED_OUT, asked);
    return () => window.removeEventListener(SIGNED_OUT, asked);
  }, [refetch]);
  if (me.isError && asProblem(me.error).signedOut) {
    return <Redirect to={`/sign-in?to=${encodeURIComponent(place)}`} replace />;
  }
  if (me.data) return props.children;
  if (me.isError) {
    return (
      <Container size="xs" py={64}>
        <ProblemView error={me.error} retry={() => void refetch()} />
      </Container>
    );
  }
  return (
    <Center mih="100vh">
      <Loader aria-label="Loading" />
    </Center>
  );
}
