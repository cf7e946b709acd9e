import type { Problem } from "../api/problem";

/** Where a file is on its way to the kiosk; an absent one must be given again before it can go. */
export type Stage = "waiting" | "sending" | "paused" | "done" | "failed" | "absent";

/** A file of an upload. The uploader alone changes it. */
export interface Entry {
  readonly id: number;
  /** Its path in the upload: `day1/a.tif`. */
  readonly path: string;
  /** Bytes. */
  size: number;
  /** When it was last changed, in milliseconds since 1970. */
  modified: number;
  blob: Blob | null;
  stage: Stage;
  /** Bytes that the kiosk has. */
  sent: number;
  /** Why it is not there yet, where something went wrong. */
  problem: Problem | null;
  /** How often in a row the kiosk failed at it. */
  faults: number;
  /** What is known of its pieces, where it is sent so. */
  pieces: Pieces | null;
}

/** How far a file is that is sent in pieces. */
export interface Pieces {
  /** Bytes of each but the last. */
  readonly bytes: number;
  readonly count: number;
  /** The pieces that nobody has begun, in order. */
  missing: number[];
  /** Those on their way. */
  flying: Set<number>;
  /** Where the bucket itself takes pieces, by number; nothing where they go to the kiosk. */
  urls: Map<number, string>;
  /** Whether the bucket may be asked for such addresses. */
  direct: boolean;
}

/** Bytes of piece `index` of a file of `size` bytes. */
export function lengthOf(pieces: Pieces, index: number, size: number): number {
  return Math.min(pieces.bytes, size - index * pieces.bytes);
}

/** What is known of a file's pieces from what the kiosk says it has. */
export function piecesOf(told: { piece_bytes: number; pieces: number; have: number[][] }): Pieces {
  const there = new Set<number>();
  for (const [first, last] of told.have) {
    for (let index = first ?? 0; index <= (last ?? -1); index += 1) there.add(index);
  }
  const missing: number[] = [];
  for (let index = 0; index < told.pieces; index += 1) if (!there.has(index)) missing.push(index);
  return {
    bytes: told.piece_bytes,
    count: told.pieces,
    missing,
    flying: new Set(),
    urls: new Map(),
    direct: true,
  };
}

/** Bytes of a file that the kiosk has in whole pieces. */
export function keptOf(pieces: Pieces, size: number): number {
  let kept = size;
  for (const index of [...pieces.missing, ...pieces.flying]) kept -= lengthOf(pieces, index, size);
  return kept;
}
