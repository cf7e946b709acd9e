import { Button, Group, Stack, Text } from "@mantine/core";
import { useCallback } from "react";
import { ChooseFiles } from "./choose-files";
import type { Corrections } from "./corrections";
import { nextDraft, useDraft } from "./draft";
import { DropAnywhere } from "./drop-anywhere";
import { FileList } from "./file-list";
import type { Dropped } from "./gather";
import { Held } from "./held";
import { Progress } from "./progress";
import type { Row } from "./rows";
import styles from "./submit.module.css";
import type { Totals } from "./uploader";
import type { Uploading } from "./uploading";

/** The images of a job: where they are dropped, how far they are, and what was understood. */
export function Images(props: {
  uploading: Uploading;
  rows: Row[];
  totals: Totals;
  corrections: Corrections;
  faulty: ReadonlySet<string>;
}) {
  const { uploading, rows, totals } = props;
  const { uploader } = uploading;
  const { tried } = useDraft();
  const read = useCallback((dropped: Dropped) => void uploading.read(dropped), [uploading]);
  const removeAll = () => {
    // What was tried is still to be looked at.
    if (tried) uploading.clear();
    else uploading.discard();
    nextDraft();
  };
  const choosing = <ChooseFiles take={uploading.take} read={read} small={rows.length > 0} />;
  return (
    <Stack gap="sm">
      <DropAnywhere onDrop={read} />
      {rows.length === 0 ? (
        <Stack className={styles.place} align="center" gap="sm" px="md" py={48}>
          <Text fw={650} size="lg" ta="center">
            Drop images, folders or zips anywhere on this page
          </Text>
          {choosing}
          <Text size="sm" c="dimmed" ta="center" maw={480}>
            TIFF, OME-TIFF, OME-Zarr, PNG or JPEG, in any number and size. You can pause, and go on
            after the page was closed.
          </Text>
        </Stack>
      ) : (
        <>
          <Group justify="space-between" gap="xs">
            {choosing}
            <Button variant="subtle" color="gray" size="xs" onClick={removeAll}>
              Remove all
            </Button>
          </Group>
          <Progress
            totals={totals}
            held={uploader.hold !== null || totals.paused === totals.open}
            onPause={() => uploader.pauseAll()}
            onResume={() => uploader.resumeAll()}
          />
          <Held uploading={uploading} absent={totals.absent} />
          <FileList
            rows={rows}
            uploading={uploading}
            corrections={props.corrections}
            faulty={props.faulty}
          />
        </>
      )}
      <Text size="sm" c="dimmed" role="status">
        {uploading.reading ? "Looking through the folders…" : ""}
      </Text>
    </Stack>
  );
}
