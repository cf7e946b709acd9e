import { useDocumentTitle } from "@mantine/hooks";

/** Sets what the window is called: the place first, for tabs show little. */
export function useTitle(place: string): void {
  useDocumentTitle(place ? `${place} · Cytomill` : "Cytomill");
}
