import { Select } from "@mantine/core";
import { ProblemView } from "../../../ui/problem-view";
import type { ColumnFacts } from "../../facts";
import { titleWithUnit } from "../columns";
import { usePanel } from "../panel-state";

/** The column that the cells of the image are coloured by. */
export function ColourChoice(props: { columns: readonly ColumnFacts[] }) {
  const { colourBy, setColourBy, colouringError } = usePanel();
  return (
    <>
      <Select
        size="xs"
        label="Colour the cells in the image by"
        placeholder="nothing: each has a colour of its own"
        clearable
        searchable
        data={props.columns.map((one) => ({ value: one.name, label: titleWithUnit(one) }))}
        value={colourBy}
        onChange={setColourBy}
      />
      {Boolean(colouringError) && (
        <ProblemView title="The cells could not be coloured" error={colouringError} />
      )}
    </>
  );
}
