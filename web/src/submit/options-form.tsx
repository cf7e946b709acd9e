import { Button, SimpleGrid, Skeleton, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { type Channel, OptionField } from "./option-field";
import { type Field, faultOf, type Values } from "./schema-form";

/** The options of a pipeline; those that are rarely needed come when they are asked for. */
export function OptionsForm(props: {
  fields: Field[];
  values: Values;
  loading: boolean;
  channels: Channel[];
  /** What the kiosk said about one of them. */
  refused: { option: string; message: string } | null;
  /** Whether empty fields that are needed are told. */
  asked: boolean;
  onChange: (values: Values) => void;
}) {
  const { fields, values, refused } = props;
  const [open, setOpen] = useState(false);
  const rare = fields.filter((field) => field.rare);
  const common = fields.filter((field) => !field.rare);
  const must = rare.some((field) => errorOf(field) !== "");
  function errorOf(field: Field): string {
    if (refused?.option === field.name) return refused.message;
    const value = values[field.name] ?? null;
    const empty = value === null || value === "";
    return empty && !props.asked ? "" : faultOf(field, value);
  }
  const draw = (field: Field) => (
    <OptionField
      key={field.name}
      field={field}
      value={values[field.name] ?? null}
      error={errorOf(field)}
      channels={props.channels}
      onChange={(value) => props.onChange({ ...values, [field.name]: value })}
    />
  );
  if (props.loading)
    return <Skeleton height={150} role="status" aria-busy="true" aria-label="Loading options" />;
  if (fields.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        This pipeline has no options.
      </Text>
    );
  }
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg" verticalSpacing="md">
        {common.map(draw)}
      </SimpleGrid>
      {rare.length > 0 && (
        <>
          <Button
            variant="subtle"
            size="compact-sm"
            onClick={() => setOpen(!open)}
            aria-expanded={open || must}
            style={{ alignSelf: "flex-start" }}
          >
            {open || must ? "Fewer options" : `More options (${rare.length})`}
          </Button>
          {(open || must) && (
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg" verticalSpacing="md">
              {rare.map(draw)}
            </SimpleGrid>
          )}
        </>
      )}
    </Stack>
  );
}
