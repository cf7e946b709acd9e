/** Rows as a file that spreadsheets and pandas read. */

export type Value = number | string | boolean | null;

/** Columns of equal length by name, as lines of CSV (RFC 4180) with a head where it is `headed`. */
export function csvOf(
  names: readonly string[],
  columns: Readonly<Record<string, readonly Value[]>>,
  headed = true,
): string {
  const rows = columns[names[0] ?? ""]?.length ?? 0;
  const lines = headed ? [names.map(field).join(",")] : [];
  for (let row = 0; row < rows; row += 1) {
    lines.push(names.map((name) => field(columns[name]?.[row] ?? null)).join(","));
  }
  return lines.map((line) => `${line}\r\n`).join("");
}

/** A text that a spreadsheet would take for a formula is marked as the text it is. */
function field(value: Value): string {
  if (value === null) return "";
  if (typeof value !== "string") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
