import { Paper } from "@mantine/core";
import { ProblemView } from "../../ui/problem-view";
import type { usePyramids } from "../pixels/opening";
import { useLookPart } from "../selection";
import { useCell } from "./cell";
import { Legend } from "./legend";
import classes from "./over.module.css";
import { useView } from "./view";

/** What is to be said over the image: what is still being made, and what is wrong. */
export function Notices(props: { pixels: ReturnType<typeof usePyramids>; item: string | null }) {
  const { pixels, item } = props;
  const view = useView();
  const image = useLookPart((look) => look.image);
  const failure = useCell(view.failure) ?? pixels.error;
  const retry = () => {
    view.failure.set(null);
    pixels.retry();
  };
  return (
    <div className={classes.notices}>
      {item && <div className={classes.notice}>{item}</div>}
      {image.error && (
        <div className={classes.notice}>
          The image itself cannot be shown, only its labels: {image.error.fault}
        </div>
      )}
      {!image.ready && !image.error && (
        <output className={classes.notice}>
          This is a large image: its overview is being made, {Math.floor(image.progress * 100)} %.
          What is there already is shown.
        </output>
      )}
      {Boolean(failure) && (
        <Paper>
          <ProblemView error={failure} title="Some of the image cannot be shown" retry={retry} />
        </Paper>
      )}
      <Legend />
    </div>
  );
}
