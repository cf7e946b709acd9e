import { SegmentedControl } from "@mantine/core";
import { useLookPart } from "../selection";
import { usePanel } from "./panel-state";

/** Whether rows are those of the plane that is looked at or of all; nothing where there is one. */
export function ScopeChoice() {
  const { several, scope, setScope } = usePanel();
  const movie = useLookPart((look) => look.image.shape.t > 1);
  if (!several) return null;
  return (
    <SegmentedControl
      size="xs"
      aria-label="Cells of"
      value={scope}
      onChange={setScope}
      data={[
        { value: "plane", label: movie ? "This frame" : "This plane" },
        { value: "all", label: movie ? "All frames" : "All planes" },
      ]}
    />
  );
}
