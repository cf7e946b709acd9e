import classes from "./over.module.css";
import { Tool } from "./tool";
import { useView } from "./view";

/** Powers of two that a press zooms. */
const STEP = 1;

/** Nearer, farther, and all of the image. */
export function Zoom() {
  const view = useView();
  return (
    <div className={classes.zoom}>
      <Tool name="Zoom in" icon="plus" act={() => view.zoomBy(STEP)} />
      <Tool name="Zoom out" icon="minus" act={() => view.zoomBy(-STEP)} />
      <Tool name="Show all of the image" icon="fit" act={view.fit} />
    </div>
  );
}
