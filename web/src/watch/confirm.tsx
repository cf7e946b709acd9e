import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { ProblemView } from "../ui/problem-view";

/** Asks whether something that cannot be taken back is meant. */
export function Confirm(props: {
  open: boolean;
  title: string;
  children: ReactNode;
  yes: string;
  no: string;
  busy: boolean;
  problem: unknown;
  onYes: () => void;
  onNo: () => void;
}) {
  return (
    <Modal
      opened={props.open}
      onClose={props.onNo}
      title={props.title}
      closeButtonProps={{ "aria-label": "Close" }}
      centered
    >
      <Stack>
        <Text size="sm">{props.children}</Text>
        {Boolean(props.problem) && <ProblemView error={props.problem} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onNo} data-autofocus>
            {props.no}
          </Button>
          <Button color="red" onClick={props.onYes} loading={props.busy}>
            {props.yes}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
