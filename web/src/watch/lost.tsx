import { Alert } from "@mantine/core";

/** Says that the page is cut off from the kiosk, and what becomes of that. */
export function Lost() {
  return (
    <Alert color="yellow" variant="light" role="status" p="xs">
      Connection lost, trying again. What is shown may be old; jobs go on at the kiosk.
    </Alert>
  );
}
