import { counted } from "../../../ui/words";
import type { Branch, Family, Lane, Track } from "./lineage";
import { GUTTER, LANE, placeOf, type Scale } from "./lineage-places";
import style from "./lineage-tree.module.css";

/** Tracks as lines from their first to their last frame, and branches to their daughters. */
export function LineageLanes(props: {
  id: string;
  part: { readonly lanes: readonly Lane[]; readonly branches: readonly Branch[] };
  /** The row of the lane at the top. */
  first: number;
  scale: Scale;
  selected: ReadonlySet<number>;
  /** The family that stands out. */
  family: Family | undefined;
}) {
  const { part, scale, selected } = props;
  const y = (lane: Lane) => (lane.row - props.first + 0.5) * LANE;
  const kin = (lane: Lane) => (lane.family.founder === props.family?.founder ? style.kin : "");
  return (
    <>
      {part.branches.map(({ from, to }) => (
        <path
          key={to.track.label}
          className={`${style.branch} ${kin(to)}`}
          d={`M${placeOf(from.track.end, scale)} ${y(from)}H${placeOf(to.track.start, scale)}V${y(to)}`}
        />
      ))}
      {part.lanes.map((lane) => (
        <g
          key={lane.track.label}
          id={`${props.id}-${lane.row}`}
          role="treeitem"
          tabIndex={-1}
          aria-level={lane.depth + 1}
          aria-selected={selected.has(lane.track.label)}
          aria-label={inWords(lane.track)}
          className={`${style.lane} ${kin(lane)}`}
        >
          <rect className={style.band} width={scale.width} height={LANE} y={y(lane) - LANE / 2} />
          {lane.row === lane.family.end - 1 && (
            <line
              className={style.end}
              x2={scale.width}
              y1={y(lane) + LANE / 2 - 0.5}
              y2={y(lane) + LANE / 2 - 0.5}
            />
          )}
          <text className={style.number} x={8} y={y(lane) + 4}>
            {lane.track.label}
          </text>
          <line
            className={style.life}
            x1={placeOf(lane.track.start, scale)}
            x2={placeOf(lane.track.end, scale) + 0.01}
            y1={y(lane)}
            y2={y(lane)}
          />
        </g>
      ))}
      <line className={style.end} x1={GUTTER - 6} x2={GUTTER - 6} y1={0} y2="100%" />
    </>
  );
}

function inWords(track: Track): string {
  const frames =
    track.start === track.end
      ? `frame ${track.start + 1}`
      : `frames ${track.start + 1} to ${track.end + 1}`;
  const parent = track.parent === null ? "" : `, daughter of ${track.parent}`;
  const divides =
    track.children.length > 0
      ? `, ${counted(track.children.length, "daughter")}: ${track.children.join(", ")}`
      : "";
  return `Track ${track.label}, ${frames}${parent}${divides}`;
}
