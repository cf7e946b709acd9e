import { Table, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** A column: its head, what a row shows in it, and whether that is a number. */
export interface Column<Row> {
  head: string;
  cell: (row: Row) => ReactNode;
  number?: boolean;
}

/** A plain table; `empty` is said in place of one without rows. */
export function Grid<Row>(props: {
  label: string;
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  columns: readonly Column<Row>[];
  empty: string;
}) {
  if (props.rows.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {props.empty}
      </Text>
    );
  }
  const place = (one: Column<Row>) => (one.number ? "right" : "left");
  return (
    <Table.ScrollContainer
      minWidth={100 * props.columns.length}
      scrollAreaProps={{
        viewportProps: { tabIndex: 0, "aria-label": props.label, role: "group" },
      }}
    >
      <Table verticalSpacing={6} horizontalSpacing="sm" aria-label={props.label}>
        <Table.Thead>
          <Table.Tr>
            {props.columns.map((one) => (
              <Table.Th key={one.head} ta={place(one)} scope="col">
                {one.head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.rows.map((row) => (
            <Table.Tr key={props.keyOf(row)}>
              {props.columns.map((one) => (
                <Table.Td
                  key={one.head}
                  ta={place(one)}
                  style={one.number ? { fontVariantNumeric: "tabular-nums" } : undefined}
                >
                  {one.cell(row)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}
