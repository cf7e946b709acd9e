import type { ReactNode } from "react";

/** Small signs for buttons; what they mean is said by the button. */
function Sign(props: { children: ReactNode }) {
  return (
    <svg
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      {props.children}
    </svg>
  );
}

export const PauseSign = () => (
  <Sign>
    <path d="M5.5 3.5v9M10.5 3.5v9" />
  </Sign>
);

export const GoSign = () => (
  <Sign>
    <path d="M5 3.5v9l7.5-4.5z" />
  </Sign>
);

export const AgainSign = () => (
  <Sign>
    <path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3" />
  </Sign>
);

export const RemoveSign = () => (
  <Sign>
    <path d="M4 4l8 8M12 4l-8 8" />
  </Sign>
);

export const CorrectSign = () => (
  <Sign>
    <path d="M3 13l.7-3L10.5 3.2a1.4 1.4 0 0 1 2 0l.3.3a1.4 1.4 0 0 1 0 2L6 12.3z" />
  </Sign>
);
