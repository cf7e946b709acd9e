import { scaleBar } from "../draw/scale-bar";
import { useLookPart } from "../selection";
import { useCell } from "./cell";
import classes from "./over.module.css";
import { useView } from "./view";

/** Pixels of the screen that the bar may have. */
const MOST = 140;

/** How long something in the image is; nothing where its pixel size is not known. */
export function Scale() {
  const view = useView();
  const camera = useCell(view.camera);
  const window = useCell(view.window);
  const size = useLookPart((look) => look.image.pixel_size);
  if (!size) return null;
  const most = Math.min(MOST, window.width / 3);
  const bar = scaleBar(size.x / 2 ** camera.zoom, most);
  if (!bar) return null;
  return (
    <div className={classes.scale} role="img" aria-label={`Scale bar: ${bar.text}`}>
      <span>{bar.text}</span>
      <div style={{ width: bar.pixels }} />
    </div>
  );
}
