import { Group, Input, SegmentedControl, Select, Slider, Stack, Text, Title } from "@mantine/core";
import { counted } from "../../ui/words";
import { comparable, titleWithUnit } from "../data/columns";
import { opacityOf, withLabels } from "../display";
import type { LabelMode } from "../draw/paint";
import { useCell } from "../frame/cell";
import { useView } from "../frame/view";
import { useLookPart, useLookStore } from "../selection";
import { Colour } from "./colour";

const MODES: { value: LabelMode; label: string }[] = [
  { value: "outlines", label: "Outlines" },
  { value: "filled", label: "Filled" },
  { value: "off", label: "Off" },
];

/** How the cells that were found are drawn over the image. */
export function Labels() {
  const view = useView();
  const look = useLookStore();
  const { labels } = useCell(view.display);
  const image = useLookPart((state) => state.image);
  const colourBy = useLookPart((state) => state.colourBy);
  const change = (what: Partial<typeof labels>) => view.change((now) => withLabels(now, what));
  const measurements = comparable(image).map((one) => ({
    value: `column:${one.name}`,
    label: titleWithUnit(one),
  }));
  const choose = (value: string | null) => {
    const column = value?.startsWith("column:") ? value.slice("column:".length) : null;
    look.setColourBy(column);
    if (!column) change({ by: value === "one" ? "one" : "label" });
  };
  if (!image.labels) return null;
  const { count } = image.labels;
  return (
    <Stack gap="sm" component="section" aria-label="Labels">
      <Group justify="space-between" gap="xs">
        <Title order={2} size="h5">
          Labels
        </Title>
        {count !== null && (
          <Text size="xs" c="dimmed">
            {counted(count, "object")}
          </Text>
        )}
      </Group>
      <SegmentedControl
        fullWidth
        size="xs"
        aria-label="How labels are drawn"
        data={MODES}
        value={labels.mode}
        onChange={(mode) => change({ mode: mode as LabelMode })}
      />
      {labels.mode !== "off" && (
        <>
          <Input.Wrapper label="Opacity" size="xs">
            <Slider
              size="xs"
              thumbSize={14}
              min={0}
              max={1}
              step={0.05}
              value={opacityOf(labels)}
              onChange={(opacity) => change({ [labels.mode]: opacity })}
              label={(value) => `${Math.round(value * 100)} %`}
              thumbLabel="Opacity of the labels"
            />
          </Input.Wrapper>
          <Group gap="xs" align="flex-end" wrap="nowrap">
            <Select
              flex={1}
              size="xs"
              label="Colour"
              allowDeselect={false}
              comboboxProps={{ withinPortal: false }}
              data={[
                { value: "label", label: "Each its own" },
                { value: "one", label: "One for all" },
                ...(measurements.length ? [{ group: "By measurement", items: measurements }] : []),
              ]}
              value={colourBy ? `column:${colourBy}` : labels.by}
              onChange={choose}
            />
            {labels.by === "one" && !colourBy && (
              <Colour name="Labels" value={labels.colour} set={(colour) => change({ colour })} />
            )}
          </Group>
        </>
      )}
    </Stack>
  );
}
