import { useEffect } from "react";
import { type Line, useJobEvents } from "../api/events";

/** Follows a job for as long as it is drawn, and tells how the line to the kiosk is. */
export function Follow(props: { id: string; told: (line: Line) => void }) {
  const { id, told } = props;
  const line = useJobEvents(id);
  useEffect(() => told(line), [line, told]);
  return null;
}
