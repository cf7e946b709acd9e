import { measured } from "../../ui/words";
import { titleOf } from "../data/columns";
import { gradient } from "../draw/colour-map";
import { useLookPart } from "../selection";
import classes from "./over.module.css";

/** Which colours stand for which values, where cells are coloured by a measurement. */
export function Legend() {
  const colouring = useLookPart((look) => look.colouring);
  if (!colouring) return null;
  const { column, unit, min, max } = colouring;
  const words = unit ? `${titleOf(column)} (${unit})` : titleOf(column);
  const ends = [min, max].map((one) => (Number.isFinite(one) ? measured(one) : "–"));
  return (
    <div className={classes.legend}>
      <div>{words}</div>
      <div className={classes.ramp} style={{ background: gradient() }} />
      <div className={classes.ends}>
        <span>{ends[0]}</span>
        <span>{ends[1]}</span>
      </div>
    </div>
  );
}
