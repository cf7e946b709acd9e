import { Group, Stack, Text } from "@mantine/core";
import { count, counted } from "../../ui/words";
import type { Bar } from "./sample";
import styles from "./summary.module.css";

/** How many images have how many objects. */
export function Histogram(props: { bars: Bar[]; looked: number; of: number }) {
  const { bars, looked, of } = props;
  const most = Math.max(...bars.map((bar) => bar.images));
  const first = bars[0];
  const last = bars.at(-1);
  if (!first || !last) return null;
  const range = (bar: Bar) =>
    bar.from === bar.to ? count(bar.from) : `${count(bar.from)} to ${count(bar.to)}`;
  const top = bars.find((bar) => bar.images === most) ?? first;
  return (
    <Stack gap={4} component="figure" m={0}>
      <Text size="xs" c="dimmed" component="figcaption">
        Objects per image{looked < of ? `, of ${count(looked)} images from all over the job` : ""}
      </Text>
      <div
        className={styles.bars}
        role="img"
        aria-label={`From ${count(first.from)} to ${count(last.to)} objects; most images have ${range(top)}`}
      >
        {bars.map((bar) => (
          <div
            key={bar.from}
            className={styles.bar}
            style={{ height: `${bar.images ? Math.max(2, (100 * bar.images) / most) : 0}%` }}
            title={`${range(bar)} objects: ${counted(bar.images, "image")}`}
          />
        ))}
      </div>
      <Group justify="space-between" aria-hidden="true">
        <Text size="xs" c="dimmed">
          {count(first.from)}
        </Text>
        <Text size="xs" c="dimmed">
          {count(last.to)}
        </Text>
      </Group>
    </Stack>
  );
}
