import { Alert, Button, CopyButton, Group, Stack, Text, TextInput } from "@mantine/core";
import { useEffect, useRef } from "react";
import type { Schema } from "../api/client";

/** A token that was just made: the one time that it is shown. */
export function MadeTokenView(props: { made: Schema<"MadeToken">; done: () => void }) {
  const { made } = props;
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  return (
    <Alert color="teal" title="Copy the token now" role="status">
      <Stack gap="sm">
        <Text size="sm">
          It is not shown again: the kiosk keeps only its fingerprint. Whoever has it may do what it
          is for.
        </Text>
        <TextInput
          ref={field}
          label={made.label ? `Token “${made.label}”` : "Token"}
          value={made.token}
          readOnly
          onFocus={(event) => event.currentTarget.select()}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
        />
        <Group>
          {/* Without an encrypted connection browsers let no page write to the clipboard. */}
          {window.isSecureContext && (
            <CopyButton value={made.token}>
              {({ copied, copy }) => (
                <Button onClick={copy} variant={copied ? "light" : "filled"}>
                  {copied ? "Copied" : "Copy"}
                </Button>
              )}
            </CopyButton>
          )}
          <Button variant="default" onClick={props.done}>
            Done
          </Button>
        </Group>
      </Stack>
    </Alert>
  );
}
