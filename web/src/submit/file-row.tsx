import { Box, Group, Text } from "@mantine/core";
import { memo, useState } from "react";
import { Correct } from "./correct";
import { type Corrections, correctionOf } from "./corrections";
import { thumbnailOf, useInspected } from "./inspect";
import { RowActions } from "./row-actions";
import { Told, Way } from "./row-words";
import { isSame, type Row } from "./rows";
import styles from "./submit.module.css";
import type { Inspected } from "./understood";
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
        <RowActions row={row} name={name} uploading={uploading} />
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
