import type { Schema } from "../api/client";
import { count, counted, measured } from "../ui/words";

export type Inspected = Schema<"InspectAnswer">;
export type SeenImage = Schema<"InspectedImage">;

/** What each letter of an image's axes is. */
export const AXES = {
  T: "Time",
  C: "Channel",
  Z: "Depth",
  Y: "Height",
  X: "Width",
} as const;

export type Axis = keyof typeof AXES;

/** What was understood of an image: "12 time points × 2 channels × 1,024 × 1,024 px, 16 bit, …". */
export function told(image: SeenImage, pixelSize?: number | null): string {
  const { t, c, z, y, x } = image.shape;
  const extents = [
    t > 1 && counted(t, "time point"),
    c > 1 && !image.rgb && counted(c, "channel"),
    z > 1 && counted(z, "plane"),
    `${count(x)} × ${count(y)} px`,
  ].filter(Boolean);
  const size = pixelSize ?? image.pixel_size?.x;
  return [
    extents.join(" × "),
    image.rgb ? `colour, ${image.bits} bit` : `${image.bits} bit`,
    size ? `${measured(size)} µm/px` : "pixel size unknown",
  ].join(", ");
}

/** What was understood of a file or zip, in one line. */
export function toldFile(file: Inspected, pixelSize?: number | null): string {
  const [first, ...others] = file.images;
  if (!first) return "";
  const words = told(first, pixelSize);
  if (file.members !== null) {
    return file.members === 1
      ? `Zip with 1 image: ${words}`
      : `Zip with ${counted(file.members, "image")}; the first: ${words}`;
  }
  return others.length > 0
    ? `${counted(file.images.length, "image")} in one file; the first: ${words}`
    : words;
}

/** The axes of an image with how many each has, in the order of its file. */
export function extents(image: SeenImage): { axis: Axis; size: number }[] {
  const { t, c, z, y, x } = image.shape;
  const sizes: Record<Axis, number> = { T: t, C: c, Z: z, Y: y, X: x };
  return [...image.axes].filter(isAxis).map((axis) => ({ axis, size: sizes[axis] }));
}

/** `axes` with the one at `place` being `axis`; the one that was so before takes its place. */
export function exchanged(axes: string, place: number, axis: Axis): string {
  const letters = [...axes];
  const before = letters.indexOf(axis);
  if (before >= 0) letters[before] = letters[place] ?? axis;
  letters[place] = axis;
  return letters.join("");
}

/** The path by which a job takes what was looked into: of a zip its first image. */
export function samplePath(file: Inspected): string {
  if (file.kind !== "zip") return file.path;
  return file.images[0]?.name.replace(/#\d+$/, "") ?? file.path;
}

function isAxis(letter: string): letter is Axis {
  return letter in AXES;
}
