import { Alert, Container } from "@mantine/core";
import type { Me } from "../api/queries";
import { when } from "../ui/words";

/** Tells a guest what they see, and until when. */
export function GuestNote(props: { me: Me }) {
  const until = props.me.expires ? ` until ${when(props.me.expires)}` : "";
  return (
    <Container size="lg" p={0} mb="md">
      <Alert variant="light" py="xs">
        Somebody shared this job with you. You can look at it and fetch its results{until}.
      </Alert>
    </Container>
  );
}
