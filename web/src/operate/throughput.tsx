import { Group, Text } from "@mantine/core";
import { counted } from "../ui/words";
import type { Minute } from "./queries";

const HEIGHT = 80;

/** Images that ended in each of the last minutes: bars, those that failed in red at their foot. */
export function Throughput(props: { minutes: readonly Minute[] }) {
  const { minutes } = props;
  const most = Math.max(1, ...minutes.map((one) => one.done + one.failed));
  const done = minutes.reduce((sum, one) => sum + one.done, 0);
  const failed = minutes.reduce((sum, one) => sum + one.failed, 0);
  const label =
    `${counted(done, "image")} done and ${counted(failed, "image")} failed in the last ` +
    `${minutes.length} minutes, at most ${most} in a minute`;
  return (
    <>
      <svg
        viewBox={`0 0 ${minutes.length * 10} ${HEIGHT}`}
        preserveAspectRatio="none"
        width="100%"
        height={HEIGHT}
        role="img"
        aria-label={label}
      >
        {minutes.map((one, place) => {
          const all = ((one.done + one.failed) / most) * HEIGHT;
          const bad = (one.failed / most) * HEIGHT;
          return (
            <g key={one.time}>
              <rect
                x={place * 10 + 1}
                width={8}
                y={HEIGHT - all}
                height={all}
                fill="var(--mantine-primary-color-filled)"
              />
              <rect
                x={place * 10 + 1}
                width={8}
                y={HEIGHT - bad}
                height={bad}
                fill="var(--mantine-color-error)"
              />
            </g>
          );
        })}
        <line
          x1={0}
          x2={minutes.length * 10}
          y1={HEIGHT - 0.5}
          y2={HEIGHT - 0.5}
          stroke="var(--mantine-color-dimmed)"
          vectorEffect="non-scaling-stroke"
        />
      </svg>
      <Group justify="space-between">
        <Text size="xs" c="dimmed">
          an hour ago
        </Text>
        <Text size="xs" c="dimmed">
          {counted(done, "image")} done, {failed} failed
        </Text>
        <Text size="xs" c="dimmed">
          now
        </Text>
      </Group>
    </>
  );
}
