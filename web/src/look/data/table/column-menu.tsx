import { Button, Checkbox, Popover, ScrollArea, Stack } from "@mantine/core";
import type { ColumnFacts } from "../../facts";
import { titleWithUnit } from "../columns";

/** Which columns the table shows. */
export function ColumnMenu(props: {
  columns: readonly ColumnFacts[];
  shown: readonly string[];
  /** Null for those that are shown at first. */
  choose: (names: string[] | null) => void;
}) {
  const { columns, shown, choose } = props;
  const order = columns.map((one) => one.name);
  const toggle = (name: string) => {
    const rest = shown.filter((one) => one !== name);
    if (rest.length < shown.length) choose(rest.length > 0 ? rest : [name]);
    else choose(order.filter((one) => one === name || shown.includes(one)));
  };
  return (
    <Popover position="bottom-end" width={280} trapFocus shadow="md">
      <Popover.Target>
        <Button size="compact-sm" variant="subtle">
          Columns
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Columns of the table">
        <ScrollArea.Autosize mah={320} type="auto" offsetScrollbars>
          <Stack gap={6}>
            {columns.map((one) => (
              <Checkbox
                key={one.name}
                size="sm"
                label={titleWithUnit(one)}
                description={one.kind === "number" && one.min === null ? "not known" : undefined}
                checked={shown.includes(one.name)}
                onChange={() => toggle(one.name)}
              />
            ))}
          </Stack>
        </ScrollArea.Autosize>
        <Button mt="xs" size="compact-sm" variant="subtle" onClick={() => choose(null)}>
          As at first
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}
