/** Strokes of 24 by 24. */
const SHAPES = {
  back: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  up: "M5 15l7-7 7 7",
  down: "M5 9l7 7 7-7",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  fit: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  full: "M14 4h6v6M20 4l-7 7M10 20H4v-6M4 20l7-7",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14",
  play: "M8 5l11 7-11 7z",
  stop: "M8 5v14M16 5v14",
  keys: "M3 7h18v10H3zM7 11h.01M11 11h.01M15 11h.01M8 14h8",
  reset: "M5 12a7 7 0 1 0 2.5-5.4M5 4v4h4",
  display: "M4 7h9M17 7h3M4 17h3M11 17h9M15 5v4M9 15v4",
  table: "M4 5h16v14H4zM4 10h16M10 10v9",
} as const;

export type IconName = keyof typeof SHAPES;

/** A small picture on a button; what the button does is said beside or in its label. */
export function Icon(props: { name: IconName; size?: number }) {
  const { name, size = 18 } = props;
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={SHAPES[name]} />
    </svg>
  );
}
