import { ticksOf } from "./lineage";
import { LANE, placeOf, type Scale } from "./lineage-places";
import style from "./lineage-tree.module.css";

/** Pixels that the number of a frame needs. */
const ROOM = 44;

/** The frames above a lineage tree, and the one that is looked at. */
export function LineageAxis({ scale, t }: { scale: Scale; t: number }) {
  const ticks = ticksOf(scale.frames, Math.floor(scale.width / ROOM));
  const now = placeOf(t, scale);
  return (
    <svg className={style.axis} width={scale.width} height={LANE} aria-hidden="true">
      <text className={style.number} x={8} y={15}>
        Frame
      </text>
      {ticks
        .filter((tick) => Math.abs(placeOf(tick, scale) - now) > ROOM / 2)
        .map((tick) => (
          <text key={tick} className={style.tick} x={placeOf(tick, scale)} y={15}>
            {tick + 1}
          </text>
        ))}
      <text className={style.current} x={now} y={15}>
        {t + 1}
      </text>
    </svg>
  );
}
