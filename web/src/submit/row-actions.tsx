import { ActionIcon } from "@mantine/core";
import type { ReactNode } from "react";
import { AgainSign, GoSign, PauseSign, RemoveSign } from "./icons";
import type { Row } from "./rows";
import type { Uploading } from "./uploading";

/** What can be done with a file on its way: pause it, go on, try it again, leave it out. */
export function RowActions(props: { row: Row; name: string; uploading: Uploading }) {
  const { row, name, uploading } = props;
  const { uploader } = uploading;
  const each = (what: (id: number) => void) => () => {
    for (const entry of row.entries) what(entry.id);
  };
  const remove = () => {
    if (row.refused) return uploading.dismiss(row.path);
    each((id) => uploader.remove(id))();
  };
  return (
    <>
      {(row.stage === "waiting" || row.stage === "sending") && (
        <Act label={`Pause ${name}`} onClick={each((id) => uploader.pause(id))}>
          <PauseSign />
        </Act>
      )}
      {row.stage === "paused" && (
        <Act label={`Go on with ${name}`} onClick={each((id) => uploader.resume(id))}>
          <GoSign />
        </Act>
      )}
      {row.stage === "failed" && (
        <Act label={`Try ${name} again`} onClick={each((id) => uploader.resume(id))}>
          <AgainSign />
        </Act>
      )}
      <Act label={`Remove ${name}`} onClick={remove}>
        <RemoveSign />
      </Act>
    </>
  );
}

function Act(props: { label: string; onClick: () => void; children: ReactNode }) {
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
    >
      {props.children}
    </ActionIcon>
  );
}
