import { useComputedColorScheme } from "@mantine/core";
import { useMemo } from "react";

/** Colours of a canvas that stands on the page, in words that a canvas understands. */
export type ChartColours = {
  readonly text: string;
  readonly line: string;
  readonly dot: string;
  readonly selected: string;
  readonly brush: string;
  readonly font: string;
};

/** The theme's colours as they are now; others when it turns dark or light. */
export function useChartColours(): ChartColours {
  const scheme = useComputedColorScheme("light");
  return useMemo(() => {
    const dark = scheme === "dark";
    const style = getComputedStyle(document.documentElement);
    const of = (name: string) => style.getPropertyValue(`--mantine-color-${name}`).trim();
    return {
      text: of(dark ? "dark-1" : "gray-7"),
      line: of(dark ? "dark-4" : "gray-3"),
      dot: of(dark ? "dark-2" : "gray-5"),
      selected: of(dark ? "teal-4" : "teal-8"),
      font: style.getPropertyValue("--mantine-font-family").trim(),
      brush: dark ? "rgba(255, 255, 255, 0.08)" : "rgba(0, 0, 0, 0.06)",
    };
  }, [scheme]);
}
