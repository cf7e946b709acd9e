import { Button, Menu, Text } from "@mantine/core";
import { useState } from "react";
import { asProblem } from "../../../api/problem";
import { counted } from "../../../ui/words";
import { useLookPart } from "../../selection";
import { eachPage, type Filter } from "../measurements";
import { usePanel } from "../panel-state";
import { csvOf } from "./csv";

/** Copies or downloads the rows of the cells that are selected, as CSV. */
export function TakeRows(props: { filter: Filter; left: number; shown: readonly string[] }) {
  const selected = useLookPart((look) => look.selected.size);
  const image = useLookPart((look) => look.image);
  const { where } = usePanel();
  const [told, tell] = useState("");
  const all = image.columns.map((one) => one.name);
  const take = async (names: readonly string[], give: (csv: Blob) => Promise<void> | void) => {
    const parts: string[] = [];
    tell("Reading the rows…");
    try {
      await eachPage(where, names, props.filter, (page, done) => {
        parts.push(csvOf(names, page, parts.length === 0));
        tell(`Reading the rows… ${Math.round(100 * done)} %`);
      });
      await give(new Blob(parts, { type: "text/csv" }));
      tell(props.left > 0 ? `Done, without ${counted(props.left, "cell")} that are too many.` : "");
    } catch (error) {
      tell(`This did not work: ${asProblem(error).message}`);
    }
  };
  const copy = async (csv: Blob) => navigator.clipboard.writeText(await csv.text());
  return (
    <Menu position="bottom-end" closeOnItemClick>
      <Menu.Target>
        <Button size="compact-sm" variant="subtle" disabled={selected === 0}>
          Take rows
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{counted(selected, "selected cell")}</Menu.Label>
        {/* Pages that are not sent by https may not write to the clipboard. */}
        {navigator.clipboard && (
          <Menu.Item onClick={() => void take(props.shown, copy)}>Copy the columns shown</Menu.Item>
        )}
        <Menu.Item onClick={() => void take(all, (csv) => save(csv, `${image.name}.csv`))}>
          Download all columns (CSV)
        </Menu.Item>
      </Menu.Dropdown>
      <Text size="xs" c="dimmed" role="status">
        {told}
      </Text>
    </Menu>
  );
}

function save(csv: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(csv);
  link.download = name;
  link.click();
  // The browser has begun to read it by the next turn.
  setTimeout(() => URL.revokeObjectURL(link.href), 0);
}
