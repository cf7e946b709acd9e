import { Button, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Problem } from "../api/problem";
import { ProblemView } from "../ui/problem-view";
import type { Provider } from "./oidc";
import { hostOf } from "./words";

/** Leads to the institute's sign-in, and from there to `place`. */
export function ProviderButton(props: { provider: Provider; place: string }) {
  const { provider, place } = props;
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const go = async () => {
    setBusy(true);
    setProblem(undefined);
    try {
      const { leave } = await import("./oidc");
      await leave(provider, place);
    } catch {
      setProblem(away(provider));
      setBusy(false);
    }
  };
  if (!window.isSecureContext) {
    return (
      <Text size="sm" c="dimmed">
        Signing in at {hostOf(provider.issuer)} needs an address with https://.
      </Text>
    );
  }
  return (
    <Stack gap="xs">
      <Button onClick={() => void go()} loading={busy}>
        Sign in at {hostOf(provider.issuer)}
      </Button>
      {problem && <ProblemView title="Nobody answers there" error={problem} />}
    </Stack>
  );
}

function away(provider: Provider): Problem {
  return new Problem(
    0,
    "provider_away",
    `${hostOf(provider.issuer)} cannot be reached from this browser.`,
    "Try again in a moment, or sign in with a token.",
  );
}
