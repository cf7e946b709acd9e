import { Checkbox, Group, SegmentedControl, Stack, Text } from "@mantine/core";
import type { Outputs } from "./job-body";

/** Which files are written for each image. */
export function OutputsForm(props: { value: Outputs; onChange: (value: Outputs) => void }) {
  const { value, onChange } = props;
  return (
    <Stack gap="xs">
      <Group gap="lg">
        <SegmentedControl
          aria-label="Format of labels"
          size="xs"
          data={[
            { value: "tiff", label: "TIFF" },
            { value: "zarr", label: "OME-Zarr" },
          ]}
          value={value.format}
          onChange={(format) => onChange({ ...value, format: format as Outputs["format"] })}
        />
        <Checkbox
          size="sm"
          label="Pictures with outlines"
          checked={value.overlay}
          onChange={(event) => onChange({ ...value, overlay: event.currentTarget.checked })}
        />
        <Checkbox
          size="sm"
          label="Outlines as GeoJSON"
          checked={value.geojson}
          onChange={(event) => onChange({ ...value, geojson: event.currentTarget.checked })}
        />
      </Group>
      <Text size="xs" c="dimmed">
        Tables of measurements come with every job; other formats can be chosen when you download.
      </Text>
    </Stack>
  );
}
