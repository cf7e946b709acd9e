import { INK, SHADE } from "../draw/colours";
import { type ScaleBar, scaleBar } from "../draw/scale-bar";
import type { Stage } from "../draw/stage";
import type { ImageFacts } from "../facts";
import type { View } from "./view";

/** Saves what is seen of the image as a PNG, with its scale bar. */
export async function savePicture(
  stage: Stage,
  view: View,
  image: ImageFacts,
  name: string,
): Promise<void> {
  const canvas = await stage.picture();
  const sharp = canvas.width / view.window.get().width;
  const size = image.pixel_size;
  const bar = size && scaleBar(size.x / 2 ** view.camera.get().zoom / sharp, 140 * sharp);
  if (bar) drawBar(canvas, bar, sharp);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${stem(name)}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function drawBar(canvas: HTMLCanvasElement, bar: ScaleBar, sharp: number): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const edge = 12 * sharp;
  const width = bar.pixels + 16 * sharp;
  const top = canvas.height - edge - 34 * sharp;
  context.fillStyle = SHADE;
  context.fillRect(edge, top, width, 34 * sharp);
  context.fillStyle = INK;
  context.fillRect(edge + 8 * sharp, top + 24 * sharp, bar.pixels, 4 * sharp);
  context.font = `${14 * sharp}px sans-serif`;
  context.textAlign = "center";
  context.fillText(bar.text, edge + width / 2, top + 17 * sharp);
}

/** A file's name without folders and its last ending. */
export function stem(name: string): string {
  const last = name.split("/").at(-1) ?? name;
  return last.replace(/\.[^.]+$/, "") || "image";
}
