import { Progress as Bar, Button, Group, Stack, Text, VisuallyHidden } from "@mantine/core";
import { bytes, count, counted, duration } from "../ui/words";
import type { Totals } from "./uploader";

/** How far the upload is, in words and as a bar. */
export function Progress(props: {
  totals: Totals;
  held: boolean;
  onPause: () => void;
  onResume: () => void;
}) {
  const { totals } = props;
  const share = totals.bytes > 0 ? (100 * totals.sent) / totals.bytes : 0;
  const going = totals.open > 0;
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" className="numbers">
          {going
            ? `${count(totals.done)} of ${counted(totals.files, "file")}, ${bytes(totals.sent)} of ${bytes(totals.bytes)}`
            : `${counted(totals.done, "file")}, ${bytes(totals.sent)}: uploaded`}
          {going && totals.speed !== null && totals.speed > 0 && ` · ${bytes(totals.speed)}/s`}
          {going && totals.left !== null && ` · ${duration(totals.left)} left`}
        </Text>
        {going && (
          <Button
            size="compact-sm"
            variant="default"
            onClick={props.held ? props.onResume : props.onPause}
          >
            {props.held ? "Go on" : "Pause all"}
          </Button>
        )}
      </Group>
      {going && <Bar value={share} size="sm" aria-label="Upload" />}
      <VisuallyHidden role="status">{spoken(totals, share)}</VisuallyHidden>
    </Stack>
  );
}

/** Said aloud: not each byte, but each quarter. */
function spoken(totals: Totals, share: number): string {
  if (totals.open === 0) return `${counted(totals.done, "file")} uploaded.`;
  return `Uploading: ${25 * Math.floor(share / 25)} %.`;
}
