import { Kbd, Popover, Table } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { KEYS } from "./keys";
import { Tool } from "./tool";

/** The buttons at the right of the bar: what is shown, the picture to take home, room, keys. */
export function Tools(props: {
  controls: boolean;
  data: boolean;
  full: boolean;
  toggle: (what: "controls" | "data" | "full") => void;
  save: (() => void) | undefined;
}) {
  const { controls, data, full, toggle, save } = props;
  return (
    <>
      <Tool name="Display" icon="display" pressed={controls} act={() => toggle("controls")} />
      <Tool name="Data" icon="table" pressed={data} act={() => toggle("data")} />
      <Tool name="Save picture" icon="save" act={() => save?.()} disabled={!save} />
      <Tool name="Full screen" icon="full" pressed={full} act={() => toggle("full")} />
      <Keys />
    </>
  );
}

function Keys() {
  const [open, { toggle, close }] = useDisclosure();
  return (
    <Popover opened={open} onDismiss={close} position="bottom-end" trapFocus returnFocus>
      <Popover.Target>
        <Tool name="Keys" icon="keys" act={toggle} pressed={open} />
      </Popover.Target>
      <Popover.Dropdown aria-label="Keys, while the image has the focus">
        <Table withRowBorders={false} verticalSpacing={3} horizontalSpacing="xs">
          <Table.Tbody>
            {KEYS.map((one) => (
              <Table.Tr key={one.keys}>
                <Table.Td>
                  <Kbd>{one.keys}</Kbd>
                </Table.Td>
                <Table.Td>{one.what}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Popover.Dropdown>
    </Popover>
  );
}
