import { Alert, Button, Group, Text } from "@mantine/core";
import { asProblem } from "../api/problem";

/** What went wrong and what to do about it; with a button where it can be tried again. */
export function ProblemView(props: { error: unknown; title?: string; retry?: () => void }) {
  const problem = asProblem(props.error);
  return (
    <Alert color="red" variant="light" role="alert" title={props.title ?? "That did not work"}>
      <Text size="sm">{problem.message}</Text>
      {problem.hint && (
        <Text size="sm" c="dimmed">
          {problem.hint}
        </Text>
      )}
      {props.retry && (
        <Group mt="sm">
          <Button size="xs" variant="default" onClick={props.retry}>
            Try again
          </Button>
        </Group>
      )}
    </Alert>
  );
}
