import { Progress, Skeleton, Text } from "@mantine/core";
import { bytes } from "../ui/words";
import type { Row } from "./rows";
import { type Inspected, toldFile } from "./understood";

/** What was understood of a file that is there. */
export function Told(props: {
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
export function Way(props: { row: Row }) {
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
