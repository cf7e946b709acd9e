/** Which rows of a long table are on screen, and which pages of them the kiosk is asked for. */

/** Pixels that no browser refuses as the height of one element. */
const TALLEST = 16_000_000;

/** Rows from `first` to before `end`; the first is drawn `top` pixels below the first of all. */
export type RowWindow = { readonly first: number; readonly end: number; readonly top: number };

/** Pixels that a table of `rows` scrolls over: fewer than its rows have where they are too many. */
export function scrollHeight(rows: number, rowHeight: number): number {
  return Math.min(rows * rowHeight, TALLEST);
}

/** The rows that are seen, with at most one more at either end, of a view `height` pixels high. */
export function rowsSeen(
  scrollTop: number,
  height: number,
  rows: number,
  rowHeight: number,
): RowWindow {
  const begin = scrollTop * stretch(height, rows, rowHeight);
  const first = clamp(Math.floor(begin / rowHeight), 0, Math.max(rows - 1, 0));
  const end = Math.min(rows, Math.ceil((begin + height) / rowHeight) + 1);
  return { first, end: Math.max(end, first), top: scrollTop - (begin - first * rowHeight) };
}

/** Where to scroll so that `row` is seen: not at all where it is, to the middle where it is far. */
export function scrollTo(
  row: number,
  scrollTop: number,
  height: number,
  rows: number,
  rowHeight: number,
): number {
  const factor = stretch(height, rows, rowHeight);
  const begin = scrollTop * factor;
  const top = row * rowHeight;
  if (top >= begin && top + rowHeight <= begin + height) return scrollTop;
  const near = top < begin ? begin - top : top + rowHeight - begin - height;
  let wanted = top - (height - rowHeight) / 2;
  if (near <= 2 * rowHeight) wanted = top < begin ? top : top + rowHeight - height;
  const last = Math.max(rows * rowHeight - height, 0);
  return clamp(wanted, 0, last) / factor;
}

/** The numbers of the pages of `size` rows that have the rows from `first` to before `end`. */
export function pagesOf(first: number, end: number, size: number): number[] {
  if (end <= first) return [];
  const from = Math.floor(first / size);
  return Array.from({ length: Math.ceil(end / size) - from }, (_, i) => from + i);
}

/** Pixels of rows that go by with one pixel scrolled. */
function stretch(height: number, rows: number, rowHeight: number): number {
  const whole = rows * rowHeight;
  return whole <= TALLEST ? 1 : (whole - height) / (TALLEST - height);
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
