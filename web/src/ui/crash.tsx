import { Button, Container, Stack, Text, Title } from "@mantine/core";
import { Component, type ReactNode } from "react";

/** Catches what goes wrong in the page itself; the rest of it, and what is uploading, stays. */
export class Crash extends Component<{ children: ReactNode; place: string }, { error?: Error }> {
  override state: { error?: Error } = {};

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override componentDidUpdate(before: { place: string }) {
    if (before.place !== this.props.place && this.state.error) this.setState({ error: undefined });
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <Container size="xs" py={64}>
        <Stack role="alert">
          <Title order={2}>This part of the page has failed</Title>
          <Text>Your jobs and results are safe on the kiosk. Load the page again to go on.</Text>
          <Text c="dimmed" size="sm">
            {this.state.error.message}
          </Text>
          <Button onClick={() => window.location.reload()}>Load again</Button>
        </Stack>
      </Container>
    );
  }
}
