/** Colours of the canvas: it is dark in both schemes, for images are looked at on black. */

/** Red, green and blue, 0 to 255. */
export type Rgb = readonly [number, number, number];

export const CANVAS = "#0b0d0e";

/** Marks of what is selected: outline, and the shade within. */
export const SELECTED: Rgb = [255, 255, 255];

/** Labels drawn in one colour at first, and those that a measurement is not known of. */
export const ONE_COLOUR = "#ffd43b";
export const UNKNOWN: Rgb = [134, 142, 150];

/** What is written over the image. */
export const INK = "#ffffff";
export const SHADE = "rgba(8, 10, 11, 0.72)";
export const LINE = "rgba(255, 255, 255, 0.28)";
export const MARK = "#38d9a9";

/** "#rrggbb" as numbers; white for what is none. */
export function rgbOf(hex: string): Rgb {
  const found = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex);
  if (!found) return [255, 255, 255];
  const [, red = "ff", green = "ff", blue = "ff"] = found;
  return [Number.parseInt(red, 16), Number.parseInt(green, 16), Number.parseInt(blue, 16)];
}

export function hexOf([red, green, blue]: Rgb): string {
  return `#${[red, green, blue].map((one) => one.toString(16).padStart(2, "0")).join("")}`;
}

/** A colour as the bytes of a pixel lie in memory: red first. */
export function packed([red, green, blue]: Rgb, alpha = 255): number {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** sRGB, 0 to 255, of Oklch: a space in which equal lightness looks equal. Hue in degrees. */
export function oklch(lightness: number, chroma: number, hue: number): Rgb {
  const angle = (hue * Math.PI) / 180;
  const a = chroma * Math.cos(angle);
  const b = chroma * Math.sin(angle);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    byte(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

function byte(linear: number): number {
  const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(Math.min(Math.max(value, 0), 1) * 255);
}

/** The share of light that a colour sends back, 0 to 1, as WCAG defines it. */
export function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((one) => {
    const share = one / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
}
