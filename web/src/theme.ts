import { type CSSVariablesResolver, createTheme } from "@mantine/core";

/** The heading of a dialog is not that of the page. */
const dialog = { defaultProps: { attributes: { header: { role: "presentation" } } } };

/** Colours and sizes of the whole page; contrast of text is WCAG AA in both schemes. */
export const theme = createTheme({
  primaryColor: "teal",
  primaryShade: 9,
  autoContrast: true,
  luminanceThreshold: 0.35,
  defaultRadius: "md",
  cursorType: "pointer",
  focusRing: "auto",
  respectReducedMotion: true,
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif',
  components: { Modal: dialog, Drawer: dialog },
  headings: { fontWeight: "650" },
});

/** The library's grey and red texts, and those on pale colours, have too little contrast. */
export const resolver: CSSVariablesResolver = (used) => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "var(--mantine-color-gray-7)",
    "--mantine-color-placeholder": "var(--mantine-color-gray-7)",
    "--mantine-color-error": "var(--mantine-color-red-9)",
    "--mantine-color-anchor": "var(--mantine-color-teal-9)",
    ...Object.fromEntries(
      Object.keys(used.colors).map((colour) => [
        `--mantine-color-${colour}-light-color`,
        `color-mix(in srgb, var(--mantine-color-${colour}-9) 70%, black)`,
      ]),
    ),
    ...Object.fromEntries(
      Object.keys(used.colors).map((colour) => [
        `--mantine-color-${colour}-filled-hover`,
        `color-mix(in srgb, var(--mantine-color-${colour}-9) 85%, black)`,
      ]),
    ),
  },
  dark: {
    "--mantine-color-dimmed": "var(--mantine-color-dark-1)",
    "--mantine-color-placeholder": "var(--mantine-color-dark-1)",
    "--mantine-color-error": "var(--mantine-color-red-4)",
    "--mantine-color-anchor": "var(--mantine-color-teal-4)",
  },
});
