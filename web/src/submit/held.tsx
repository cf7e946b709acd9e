import { Alert, Button, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { counted } from "../ui/words";
import type { Uploading } from "./uploading";

/** Why the upload does not go on, and what can be done. */
export function Held(props: { uploading: Uploading; absent: number }) {
  const { uploading, absent } = props;
  const { uploader } = uploading;
  const { hold } = uploader;
  const again = (label: string) => (
    <Button size="xs" variant="default" onClick={() => uploader.resumeAll()}>
      {label}
    </Button>
  );
  return (
    <>
      {hold?.kind === "away" && (
        <Notice title={hold.problem.message} action={again("Try now")}>
          It is tried again by itself; what is there already is not sent twice.
        </Notice>
      )}
      {hold?.kind === "full" && (
        <Notice title={hold.problem.message} action={again("Try again")}>
          {hold.problem.hint}
        </Notice>
      )}
      {hold?.kind === "lost" && (
        <Notice title="The kiosk no longer has this upload." action={again("Send all again")}>
          It was deleted, or its days were over.
        </Notice>
      )}
      {hold?.kind === "signed-out" && (
        <Notice title="Your sign-in has ended.">The upload goes on once you are signed in.</Notice>
      )}
      {absent > 0 && hold?.kind !== "lost" && (
        <Notice
          title={`${counted(absent, "file")} of your upload ${absent === 1 ? "is" : "are"} still missing`}
          action={
            <>
              {uploading.askable && (
                <Button size="xs" onClick={() => void uploading.goOn()}>
                  Go on with them
                </Button>
              )}
              <Button size="xs" variant="default" onClick={() => leaveOut(uploading)}>
                Leave them out
              </Button>
            </>
          }
        >
          The page was closed before all was sent. Drop or choose the same files or folder again:
          what the kiosk has already is not sent twice.
        </Notice>
      )}
    </>
  );
}

function Notice(props: { title: string; action?: ReactNode; children?: ReactNode }) {
  return (
    <Alert color="orange" variant="light" title={props.title} role="status">
      {props.children && <Text size="sm">{props.children}</Text>}
      {props.action && (
        <Group gap="xs" mt="sm">
          {props.action}
        </Group>
      )}
    </Alert>
  );
}

function leaveOut(uploading: Uploading): void {
  for (const entry of [...uploading.uploader.entries.values()]) {
    if (entry.stage === "absent") uploading.uploader.remove(entry.id);
  }
}
