let found: boolean | undefined;

/** Whether the browser can draw with WebGL 2, as the viewer does. */
export function hasGraphics(): boolean {
  found ??= Boolean(document.createElement("canvas").getContext("webgl2"));
  return found;
}
