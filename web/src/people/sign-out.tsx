import { Modal, Stack } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { api } from "../api/client";
import { ProblemView } from "../ui/problem-view";
import { tell } from "./channel";

/** The way out, and what is shown where it is barred. */
export function useSignOut() {
  const cache = useQueryClient();
  const [, go] = useLocation();
  const out = useMutation({
    mutationFn: () => api.DELETE("/api/v1/session"),
    onSuccess: () => {
      cache.clear();
      tell("out");
      go("/sign-in", { replace: true });
      // Nothing of the user stays in memory, nor for the way back.
      window.location.reload();
    },
  });
  const barred = (
    <Modal
      opened={out.isError}
      onClose={out.reset}
      title="You are still signed in"
      closeButtonProps={{ "aria-label": "Close" }}
      centered
    >
      <Stack>
        <ProblemView error={out.error} retry={() => out.mutate()} />
      </Stack>
    </Modal>
  );
  return { leave: () => out.mutate(), barred };
}
