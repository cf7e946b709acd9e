import { Autocomplete, NumberInput, Select, Switch, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, data } from "../api/client";
import type { Field, Value } from "./schema-form";

/** A channel that was understood: how the pipeline is told of it, and its name. */
export interface Channel {
  value: string;
  label: string;
}

interface Props {
  field: Field;
  value: Value;
  error: string;
  channels: Channel[];
  onChange: (value: Value) => void;
}

/** An option of a pipeline, with its help and its unit. */
export function OptionField(props: Props) {
  const { field, value, onChange } = props;
  const shared = {
    label: field.label,
    description: field.help,
    error: props.error || undefined,
    required: field.required,
  };
  if (field.name === "model" && field.kind === "text") return <ModelField {...props} />;
  if (field.name === "channel" && field.kind === "text") return <ChannelField {...props} />;
  if (field.kind === "switch") {
    return (
      <Switch
        {...shared}
        required={false}
        checked={value === true}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
    );
  }
  if (field.kind === "choice") {
    return (
      <Select
        {...shared}
        data={field.choices}
        value={typeof value === "string" ? value : null}
        onChange={onChange}
        allowDeselect={false}
        clearable={field.nullable}
        placeholder={field.nullable ? "automatic" : undefined}
      />
    );
  }
  if (field.kind === "text") {
    return (
      <TextInput
        {...shared}
        value={typeof value === "string" ? value : ""}
        placeholder={field.nullable ? "automatic" : undefined}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    );
  }
  return (
    <NumberInput
      {...shared}
      value={typeof value === "boolean" ? "" : (value ?? "")}
      onChange={onChange}
      allowDecimal={field.kind === "number"}
      suffix={field.unit ? ` ${field.unit}` : ""}
      placeholder={field.nullable ? "automatic" : undefined}
      clampBehavior="none"
      min={field.min ?? undefined}
      max={field.max ?? undefined}
      hideControls={field.kind === "number"}
    />
  );
}

function ModelField(props: Props) {
  const { field, value } = props;
  const models = useQuery({
    queryKey: ["models"],
    queryFn: () => data(api.GET("/api/v1/models")),
    staleTime: 60_000,
  });
  const known = models.data ?? [];
  const chosen = known.find((one) => one.name === value);
  return (
    <Select
      label={field.label}
      description={chosen?.description || "The model to run, of those that this kiosk has."}
      error={props.error || (models.isError ? "The models cannot be listed now." : undefined)}
      required={field.required}
      placeholder={models.isPending ? "Loading" : "Choose a model"}
      data={known.map((one) => ({
        value: one.name,
        label: one.error ? `${one.name} (cannot be used)` : one.name,
        disabled: one.error !== "",
      }))}
      value={typeof value === "string" ? value : null}
      onChange={props.onChange}
      searchable
      nothingFoundMessage="This kiosk has no such model"
    />
  );
}

/** One of the channels that were understood; where several may be named they can be written too. */
function ChannelField(props: Props) {
  const { field, value, channels } = props;
  const text = typeof value === "string" ? value : "";
  const several = /\d,\d/.test(field.help);
  const shared = { label: field.label, description: field.help, error: props.error || undefined };
  if (several || channels.length < 2) {
    return (
      <Autocomplete
        {...shared}
        placeholder="automatic"
        data={several ? channels.map((one) => one.value) : []}
        value={text}
        onChange={props.onChange}
      />
    );
  }
  return (
    <Select
      {...shared}
      placeholder="automatic"
      data={channels.some((one) => one.value === text) || !text ? channels : [...channels, text]}
      value={text || null}
      onChange={props.onChange}
      clearable
    />
  );
}
