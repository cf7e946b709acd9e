import { useEffect } from "react";
import { revealed } from "../draw/geometry";
import { useLookPart, useLookStore } from "../selection";
import { useView } from "./view";

/** Edge in pixels of what is shown of a cell whose size is not told. */
const EXTENT = 48;

/** Moves to a cell in time, depth and plane when the data beside the image asks for it. */
export function useReveal(): void {
  const view = useView();
  const look = useLookStore();
  const revealing = useLookPart((state) => state.revealing);
  useEffect(() => {
    const place = revealing?.place;
    if (!place) return;
    if (place.t !== undefined && place.t !== look.get().t) look.setT(place.t);
    if (place.z !== undefined) look.setZ(place.z);
    const at = { x: place.x + 0.5, y: place.y + 0.5 };
    const camera = view.camera.get();
    const next = revealed(camera, view.window.get(), at, place.extent ?? EXTENT);
    if (next !== camera) view.move(next);
  }, [revealing, view, look]);
}
