import { Button, Divider, Modal, Stack, Text } from "@mantine/core";
import type { Me } from "../api/queries";
import { useSession, useSignIn } from "./session";
import { TokenForm } from "./token-form";
import { AGAIN, hostOf } from "./words";

/** Asks to sign in again, over a page that stays as it is and that nobody can read meanwhile. */
export function SignInAgain(props: { me: Me }) {
  const session = useSession();
  const signIn = useSignIn();
  const guest = Boolean(props.me.job);
  const provider = session.data?.oidc;
  return (
    <Modal
      opened
      onClose={() => undefined}
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
      centered
      title={guest ? "This link has ended" : "Sign in again"}
      overlayProps={{ backgroundOpacity: 0.9, blur: 12 }}
    >
      <Stack>
        <Text size="sm">
          {guest
            ? "Ask whoever sent it for another, or sign in with a token of your own."
            : "Your sign-in has ended. The page is as you left it, and goes on when you are back."}
        </Text>
        {provider && !guest && (
          <>
            <Stack gap={4}>
              <Button onClick={() => window.open(AGAIN)}>
                Sign in at {hostOf(provider.issuer)}
              </Button>
              <Text size="xs" c="dimmed" ta="center">
                It opens in a new tab.
              </Text>
            </Stack>
            <Divider label="or with a token" />
          </>
        )}
        <TokenForm signIn={signIn} second={Boolean(provider && !guest)} focus />
      </Stack>
    </Modal>
  );
}
