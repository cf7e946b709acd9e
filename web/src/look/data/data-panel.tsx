/** Table, charts and tracks of the image that is looked at. */
export function DataPanel() {
  return null;
}
