import { ActionIcon, Group, Select, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { count } from "../../ui/words";
import classes from "./frame.module.css";
import { Icon, type IconName } from "./icon";

/** Which image of which job; `images` are those of its file. */
export type BarProps = {
  readonly job: string;
  readonly index: number;
  readonly name: string;
  readonly items: number | undefined;
  readonly images?: {
    readonly names: readonly string[];
    readonly at: number;
    readonly set: (at: number) => void;
  };
};

/** Above the image: which it is, those before and after it, and tools. */
export function Bar(props: BarProps & { children?: ReactNode }) {
  const { job, index, name, items, images } = props;
  const last = items === undefined ? index : items - 1;
  return (
    <header className={classes.bar}>
      <Way to={`/jobs/${job}`} icon="back" name="Back to the job" />
      <Title order={1} size="h5" className={classes.name} title={name}>
        {name}
      </Title>
      <Group gap={2} wrap="nowrap" component="nav" aria-label="Images of the job">
        <Way
          to={`/jobs/${job}/images/${index - 1}`}
          icon="up"
          name="Previous image"
          off={index === 0}
        />
        <Text size="sm" c="dimmed" className={classes.number}>
          {count(index + 1)}
          {items !== undefined && ` of ${count(items)}`}
        </Text>
        <Way
          to={`/jobs/${job}/images/${index + 1}`}
          icon="down"
          name="Next image"
          off={index >= last}
        />
      </Group>
      {images && images.names.length > 1 && (
        <Select
          size="xs"
          w={180}
          aria-label="Image of the file"
          allowDeselect={false}
          data={images.names.map((one, at) => ({
            value: String(at),
            label: one || `Image ${at + 1}`,
          }))}
          value={String(images.at)}
          onChange={(value) => images.set(Number(value))}
        />
      )}
      <Group gap={2} wrap="nowrap" className={classes.tools}>
        {props.children}
      </Group>
    </header>
  );
}

function Way(props: { to: string; icon: IconName; name: string; off?: boolean }) {
  const { to, icon, name, off } = props;
  if (off) {
    return (
      <ActionIcon variant="transparent" bg="transparent" size="lg" disabled aria-label={name}>
        <Icon name={icon} />
      </ActionIcon>
    );
  }
  return (
    <ActionIcon
      component={Link}
      href={to}
      variant="subtle"
      size="lg"
      aria-label={name}
      title={name}
    >
      <Icon name={icon} />
    </ActionIcon>
  );
}
