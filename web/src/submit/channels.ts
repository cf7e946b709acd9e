import type { Channel } from "./option-field";
import type { Inspected } from "./understood";

/** The channels that images have: by name where all names differ, else by number. */
export function channelsOf(files: Inspected[]): Channel[] {
  const images = files.flatMap((file) => file.images).filter((image) => !image.rgb);
  const names = new Set(images.flatMap((image) => image.channels.filter(Boolean)));
  const found: Channel[] = [...names].map((name) => ({ value: name, label: name }));
  const most = Math.max(0, ...images.map((image) => image.shape.c));
  if (found.length >= most) return found;
  return Array.from({ length: most }, (_, index) => ({
    value: String(index),
    label: `Channel ${index + 1} of ${most}`,
  }));
}
