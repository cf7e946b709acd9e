import { ActionIcon, Box, Group, Progress, Skeleton, Text } from "@mantine/core";
import { memo, useState } from "react";
import { bytes } from "../ui/words";
import { Correct } from "./correct";
import { type Corrections, correctionOf } from "./corrections";
import { AgainSign, GoSign, PauseSign, RemoveSign } from "./icons";
import { thumbnailOf, useInspected } from "./inspect";
import { isSame, type Row } from "./rows";
import styles from "./submit.module.css";
import { type Inspected, toldFile } from "./understood";
import type { Uploading } from "./uploading";

interface Props {
  row: Row;
  /** The id of the upload; nothing before there is one. */
  upload: string | null;
  uploading: Uploading;
  corrections: Corrections;
}

/** A file: its picture, what was understood of it or what is wrong, and what can be done. */
export const FileRow = memo(
  Drawn,
  (one, other) =>
    isSame(one.row, other.row) &&
    one.upload === other.upload &&
    one.uploading === other.uploading &&
    one.corrections === other.corrections,
);

function Drawn(props: Props) {
  const { row, upload, uploading, corrections } = props;
  const correction = correctionOf(corrections, row.path);
  const done = row.stage === "done";
  const found = useInspected(upload, row.path, correction?.axes ?? null, done);
  const plain = useInspected(upload, row.path, null, done);
  const name = row.path.slice(row.path.lastIndexOf("/") + 1);
  return (
    <>
      <Thumbnail upload={upload} file={done ? found.data : undefined} axes={correction?.axes} />
      <Box miw={0}>
        <Text size="sm" fw={600} truncate title={row.path}>
          {name}
          {name !== row.path && (
            <Text span size="xs" c="dimmed" fw={400}>
              {`  in ${row.path.slice(0, -name.length - 1)}`}
            </Text>
          )}
        </Text>
        {done ? (
          <Told
            file={found.data}
            pixelSize={correction?.pixel_size ?? null}
            failed={found.isError}
            changed={correction !== null}
          />
        ) : (
          <Way row={row} />
        )}
      </Box>
      <Group gap={2} wrap="nowrap" justify="flex-end" className={styles.actions}>
        {done && plain.data?.images[0] && (
          <Correct
            path={row.path}
            image={plain.data.images[0]}
            zip={plain.data.kind === "zip"}
            corrections={corrections}
          />
        )}
        <Actions row={row} name={name} uploading={uploading} />
      </Group>
    </>
  );
}

function Thumbnail(props: {
  upload: string | null;
  file: Inspected | undefined;
  axes: string | null | undefined;
}) {
  const { upload, file, axes } = props;
  const [broken, setBroken] = useState("");
  const source =
    upload && file && !file.error && file.images.length > 0
      ? thumbnailOf(upload, file.path, axes ?? null)
      : "";
  if (!source || source === broken) return <div className={styles.thumbnail} />;
  return <img className={styles.thumbnail} src={source} alt="" onError={() => setBroken(source)} />;
}

/** What was understood of a file that is there. */
function Told(props: {
  file: Inspected | undefined;
  pixelSize: number | null;
  failed: boolean;
  changed: boolean;
}) {
  const { file } = props;
  if (props.failed) {
    return (
      <Text size="xs" c="dimmed">
        Uploaded. The kiosk could not look into it now.
      </Text>
    );
  }
  if (!file) return <Skeleton height={10} mt={6} width="70%" />;
  if (file.error) return <Fault fault={file.error.fault} advice={file.error.advice} />;
  return (
    <Text size="xs" c="dimmed">
      {toldFile(file, props.pixelSize)}
      {props.changed && " (corrected)"}
    </Text>
  );
}

/** How a file comes along that is not there yet. */
function Way(props: { row: Row }) {
  const { row } = props;
  if (row.refused) return <Fault fault={row.refused.fault} advice={row.refused.advice} />;
  const { problem } = row;
  if (row.stage === "failed") {
    return <Fault fault={problem?.message ?? "Could not be sent."} advice={problem?.hint ?? ""} />;
  }
  const size = bytes(row.size);
  const words = {
    waiting: problem ? `Waiting: ${problem.message}` : `Waiting, ${size}`,
    sending: `${bytes(row.sent)} of ${size}`,
    paused: `Paused, ${bytes(row.sent)} of ${size} sent`,
    absent: `Missing, ${size}: add it again to go on`,
    done: size,
    refused: "",
  }[row.stage];
  return (
    <>
      <Text size="xs" c="dimmed" className="numbers">
        {words}
      </Text>
      {(row.stage === "sending" || row.stage === "paused") && (
        <Progress
          mt={4}
          size="xs"
          value={row.size > 0 ? (100 * row.sent) / row.size : 0}
          aria-label={`Upload of ${row.path}`}
        />
      )}
    </>
  );
}

function Fault(props: { fault: string; advice: string }) {
  const text = [props.fault, props.advice].map(sentence).join(" ").trim();
  return (
    <Text size="xs" c="var(--mantine-color-error)">
      {text}
    </Text>
  );
}

function sentence(text: string): string {
  if (!text) return "";
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

function Actions(props: { row: Row; name: string; uploading: Uploading }) {
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

function Act(props: { label: string; onClick: () => void; children: React.ReactNode }) {
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
