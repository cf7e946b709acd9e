import type { ReactNode } from "react";
import styles from "./submit.module.css";

/** A drawing of what a pipeline does. It says nothing that the words beside it do not. */
export function Picture(props: { of: string }) {
  return (
    <svg viewBox="0 0 120 72" className={styles.picture} aria-hidden="true">
      <rect width="120" height="72" rx="8" className={styles.ground} />
      {DRAWINGS[props.of] ?? NEUTRAL}
    </svg>
  );
}

const NUCLEI = [
  { x: 26, y: 24, rx: 11, ry: 8, turn: -20 },
  { x: 58, y: 18, rx: 9, ry: 7, turn: 15 },
  { x: 92, y: 28, rx: 12, ry: 9, turn: 30 },
  { x: 36, y: 51, rx: 12, ry: 9, turn: 10 },
  { x: 70, y: 48, rx: 10, ry: 8, turn: -30 },
  { x: 100, y: 56, rx: 8, ry: 6, turn: 0 },
];

const DRAWINGS: Record<string, ReactNode> = {
  nuclei: NUCLEI.map(({ x, y, rx, ry, turn }) => (
    <ellipse
      key={x}
      cx={x}
      cy={y}
      rx={rx}
      ry={ry}
      transform={`rotate(${turn} ${x} ${y})`}
      className={styles.cell}
    />
  )),
  track: (
    <>
      <path d="M14 52C30 44 38 34 56 36" className={styles.way} />
      <path d="M56 36C70 30 80 20 102 20M56 36C72 42 84 50 104 52" className={styles.way} />
      {[
        [14, 52, 5],
        [34, 43, 6],
        [56, 36, 8],
        [79, 25, 6],
        [102, 20, 7],
        [80, 46, 6],
        [104, 52, 7],
      ].map(([x, y, r]) => (
        <circle key={x} cx={x} cy={y} r={r} className={styles.cell} />
      ))}
    </>
  ),
  link: (
    <>
      {[16, 50, 84].map((x) => (
        <rect key={x} x={x} y="14" width="22" height="44" rx="3" className={styles.frame} />
      ))}
      <path d="M27 26C45 24 50 30 61 30S84 24 95 24" className={styles.way} />
      <path d="M27 46C42 48 48 44 61 46S84 50 95 46" className={styles.way} />
      {[
        [27, 26],
        [61, 30],
        [95, 24],
        [27, 46],
        [61, 46],
        [95, 46],
      ].map(([x, y]) => (
        <circle key={`${x} ${y}`} cx={x} cy={y} r="5" className={styles.cell} />
      ))}
    </>
  ),
  model: (
    <>
      {[
        [22, 20],
        [22, 52],
        [60, 14],
        [60, 36],
        [60, 58],
        [98, 36],
      ].map(([x, y], at, all) =>
        all
          .filter(([right]) => right === (at < 2 ? 60 : 98) && at < 5)
          .map(([right, down]) => (
            <path
              key={`${x} ${y} ${down}`}
              d={`M${x} ${y}L${right} ${down}`}
              className={styles.thin}
            />
          )),
      )}
      {[
        [22, 20],
        [22, 52],
        [60, 14],
        [60, 36],
        [60, 58],
        [98, 36],
      ].map(([x, y]) => (
        <circle key={`${x} ${y}`} cx={x} cy={y} r="6" className={styles.cell} />
      ))}
    </>
  ),
};

const NEUTRAL = (
  <>
    <rect x="16" y="18" width="32" height="36" rx="4" className={styles.frame} />
    <path d="M54 36h12M62 31l5 5-5 5" className={styles.way} />
    <rect x="74" y="18" width="32" height="36" rx="4" className={styles.frame} />
    <circle cx="90" cy="36" r="8" className={styles.cell} />
  </>
);
