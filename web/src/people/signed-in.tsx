import { Center, Container, Loader } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useRef } from "react";
import { Redirect, useLocation, useSearch } from "wouter";
import { SIGNED_OUT } from "../api/client";
import { asProblem } from "../api/problem";
import { useMe } from "../api/queries";
import { ProblemView } from "../ui/problem-view";
import { listen } from "./channel";
import { SIGNED_IN, useEnd } from "./session";
import { SignInAgain } from "./sign-in-again";

/**
 * Shows its children to those who are signed in, and the others where to do so. When a sign-in ends
 * meanwhile they stay, behind a question to sign in again.
 */
export function SignedIn(props: { children: ReactNode }) {
  const me = useMe();
  const cache = useQueryClient();
  const [place] = useLocation();
  const search = useSearch();
  const { refetch } = me;
  const seen = useRef<string>(undefined);
  const user = me.data?.user;

  useEffect(() => {
    // What tells of it may be this very question: one that is under way is left alone.
    const asked = () => void refetch({ cancelRefetch: false });
    window.addEventListener(SIGNED_OUT, asked);
    return () => window.removeEventListener(SIGNED_OUT, asked);
  }, [refetch]);

  useEffect(
    () =>
      listen((what) => {
        if (what === "out") {
          window.location.reload();
          return;
        }
        void refetch().then(({ isSuccess }) => {
          if (!isSuccess) return;
          void cache.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "me" });
          window.dispatchEvent(new Event(SIGNED_IN));
        });
      }),
    [refetch, cache],
  );

  // What the page holds of one user is not for the next.
  useEffect(() => {
    if (user && seen.current && seen.current !== user) window.location.assign("/");
    if (user) seen.current = user;
  }, [user]);

  useEnd(me.data?.expires ?? 0, refetch);

  const signedOut = me.isError && asProblem(me.error).signedOut;
  if (me.data) {
    const own = me.data.job && `/jobs/${me.data.job}`;
    if (own && place !== own && !place.startsWith(`${own}/`)) return <Redirect to={own} replace />;
    return (
      <>
        {props.children}
        {signedOut && <SignInAgain me={me.data} />}
      </>
    );
  }
  if (signedOut) {
    const to = encodeURIComponent(search ? `${place}?${search}` : place);
    return <Redirect to={place === "/" ? "/sign-in" : `/sign-in?to=${to}`} replace />;
  }
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
