import { Switch } from "@mantine/core";
import { ProblemView } from "../../../ui/problem-view";
import type { ColumnFacts } from "../../facts";
import { titleOf } from "../columns";
import { usePanel } from "../panel-state";

/** Whether the cells of the image are coloured by the column that is drawn. */
export function ColourChoice(props: { column: ColumnFacts }) {
  const { colourBy, setColourBy, colouringError } = usePanel();
  const { name } = props.column;
  return (
    <>
      <Switch
        size="xs"
        label={`Colour the cells of the image by ${titleOf(name)}`}
        checked={colourBy === name}
        onChange={(event) => setColourBy(event.currentTarget.checked ? name : null)}
      />
      {Boolean(colouringError) && (
        <ProblemView title="The cells could not be coloured" error={colouringError} />
      )}
    </>
  );
}
