/**
 * What Viv's layers use of Viv's loaders, in whose place this is built in: those read TIFF and much
 * else that the kiosk has done already, and take images 3 or 4 pixels wide for coloured ones.
 */

/** What a request that was broken off rejects with. */
export const SIGNAL_ABORTED = "__vivSignalAborted";

/** Channels are planes of their own, always. */
export function isInterleaved(): boolean {
  return false;
}

export function getImageSize(source: { readonly shape: readonly number[] }): {
  height: number;
  width: number;
} {
  const [height = 0, width = 0] = source.shape.slice(-2);
  return { height, width };
}
