import { Button, CopyButton } from "@mantine/core";

/** Copies a text; says so for a while. */
export function Copied(props: { text: string; name: string }) {
  return (
    <CopyButton value={props.text} timeout={2000}>
      {({ copied, copy }) => (
        <Button
          size="xs"
          variant="default"
          flex="none"
          onClick={copy}
          aria-label={`Copy ${props.name}`}
        >
          <span aria-live="polite">{copied ? "Copied" : "Copy"}</span>
        </Button>
      )}
    </CopyButton>
  );
}
