import { asProblem, type Problem } from "../api/problem";
import { type Entry, keptOf, lengthOf, piecesOf } from "./entry";
import { free, tidy } from "./names";
import { Speed } from "./speed";
import type { Transport } from "./transport";

/** Requests at once: browsers open six lines to a host, and the page needs some itself. */
const LANES = 4;

/** Addresses of a bucket that are asked for at once. */
const SIGNED = 50;

/** Faults of the kiosk in a row after which a file is given up. */
const FAULTS = 5;

/** Milliseconds between two attempts at a kiosk that is away: the first, and the most. */
const SOON = 1000;
const LATE = 30_000;

/** Why nothing is being sent although something waits. */
export type Hold =
  | { kind: "paused" }
  | { kind: "signed-out" }
  | { kind: "away"; problem: Problem; until: number }
  | { kind: "full"; problem: Problem }
  | { kind: "lost"; problem: Problem };

/** All of an upload in numbers. */
export interface Totals {
  files: number;
  bytes: number;
  sent: number;
  done: number;
  failed: number;
  absent: number;
  /** Files that are not there yet and could go. */
  open: number;
  /** Those of them that the user has paused. */
  paused: number;
  /** Bytes a second; nothing where that cannot be told. */
  speed: number | null;
  /** Seconds until all is there. */
  left: number | null;
}

/** A file that a user gives. */
export interface Given {
  path: string;
  blob: Blob;
  modified: number;
}

/** What an upload was when the page was left. */
export interface Kept {
  upload: string;
  files: { path: string; size: number; modified: number }[];
}

interface Request {
  entry: Entry | null;
  control: AbortController;
  /** Bytes of it that are out. */
  out: number;
  piece: number | null;
}

/**
 * Sends files to a kiosk: several at once, large ones in pieces, again where the line is cut.
 *
 * It knows nothing of what draws it: `changed` is called after each change of state.
 */
export class Uploader {
  /** The id of the upload, once the kiosk has made one. */
  upload: string | null = null;
  hold: Hold | null = null;
  readonly entries = new Map<number, Entry>();
  /** Paths that were removed here, and that the kiosk may have. */
  readonly removed = new Set<string>();

  private readonly paths = new Map<string, Entry>();
  private readonly flying = new Set<Request>();
  /** What is to be begun, in order; some may have gone another way since. */
  private queue: Entry[] = [];
  private head = 0;
  /** What was begun and goes in pieces. */
  private readonly large = new Set<Entry>();
  private readonly speed = new Speed();
  /** What the kiosk has of an upload that was begun before; nothing until it was asked. */
  private known: Map<string, number> | null = null;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private ids = 0;

  constructor(
    private readonly transport: Transport,
    private readonly changed: () => void = () => undefined,
    /** Bytes above which a file goes in pieces. */
    public wholeBytes = 2 ** 26,
  ) {}

  /** Goes on with an upload of which the page was left. */
  restore(kept: Kept): void {
    this.upload = kept.upload;
    for (const { path, size, modified } of kept.files) this.insert(path, size, modified, null);
    this.pump();
    this.changed();
  }

  /**
   * Takes files. One that is there already is not taken again; one that was waited for goes on;
   * another of the same name gets a number.
   */
  add(given: Iterable<Given>): void {
    for (const { path, blob, modified } of given) {
      const name = tidy(path) || "unnamed";
      const there = this.paths.get(name);
      if (!there) {
        this.removed.delete(name);
        this.insert(name, blob.size, modified, blob);
      } else if (there.stage === "absent" || there.stage === "failed") {
        this.renew(there, blob, modified);
      } else if (there.size !== blob.size || !sameTime(there.modified, modified)) {
        this.insert(
          free(name, (one) => this.paths.has(one)),
          blob.size,
          modified,
          blob,
        );
      }
    }
    this.pump();
    this.changed();
  }

  /** Forgets a file; what the kiosk has of it is left out of the job. */
  remove(id: number): void {
    const entry = this.entries.get(id);
    if (!entry) return;
    this.stop(entry);
    this.removed.add(entry.path);
    this.large.delete(entry);
    this.entries.delete(id);
    this.paths.delete(entry.path);
    this.pump();
    this.changed();
  }

  /** Stops one file, until `resume`. */
  pause(id: number): void {
    const entry = this.entries.get(id);
    if (!entry || (entry.stage !== "waiting" && entry.stage !== "sending")) return;
    this.stop(entry);
    entry.stage = "paused";
    this.pump();
    this.changed();
  }

  /** Goes on with a file that was paused, or that failed. */
  resume(id: number): void {
    const entry = this.entries.get(id);
    if (!entry || (entry.stage !== "paused" && entry.stage !== "failed")) return;
    this.again(entry);
    if (this.hold?.kind === "full") this.hold = null;
    this.pump();
    this.changed();
  }

  /** Stops all, until `resumeAll`. */
  pauseAll(): void {
    this.halt({ kind: "paused" });
    this.changed();
  }

  /** Goes on, whatever it was that stopped it. */
  resumeAll(): void {
    for (const entry of this.entries.values()) {
      if (entry.stage === "paused" || entry.stage === "failed") this.again(entry);
    }
    if (this.hold?.kind === "lost") this.startOver();
    this.release();
  }

  /** Somebody is signed in again. */
  signedIn(): void {
    if (this.hold?.kind === "signed-out") this.release();
  }

  /** The line may be there again: it is tried at once. */
  online(): void {
    if (this.hold?.kind === "away") this.release();
  }

  /** Stops for good. */
  close(): void {
    clearTimeout(this.timer);
    for (const request of this.flying) request.control.abort();
    this.flying.clear();
    this.hold = { kind: "paused" };
  }

  /** Whether bytes are on their way, which are lost when the page is left. */
  get busy(): boolean {
    return this.flying.size > 0;
  }

  totals(now: number): Totals {
    const found = {
      files: 0,
      bytes: 0,
      sent: 0,
      done: 0,
      failed: 0,
      absent: 0,
      open: 0,
      paused: 0,
    };
    for (const entry of this.entries.values()) {
      found.files += 1;
      found.bytes += entry.size;
      found.sent += entry.stage === "done" ? entry.size : entry.sent;
      if (entry.stage === "done") found.done += 1;
      else if (entry.stage === "failed") found.failed += 1;
      else if (entry.stage === "absent") found.absent += 1;
      else {
        found.open += 1;
        if (entry.stage === "paused") found.paused += 1;
      }
    }
    const speed = this.busy ? this.speed.at(now) : null;
    const left = speed ? (found.bytes - found.sent) / speed : null;
    return { ...found, speed, left };
  }

  private insert(path: string, size: number, modified: number, blob: Blob | null): void {
    this.ids += 1;
    const entry: Entry = {
      id: this.ids,
      path,
      size,
      modified,
      blob,
      stage: blob ? "waiting" : "absent",
      sent: 0,
      problem: null,
      faults: 0,
      pieces: null,
    };
    this.entries.set(entry.id, entry);
    this.paths.set(path, entry);
    this.queue.push(entry);
    this.compare(entry);
  }

  private renew(entry: Entry, blob: Blob, modified: number): void {
    entry.pieces = null;
    entry.size = blob.size;
    entry.modified = modified;
    entry.blob = blob;
    this.again(entry);
    this.compare(entry);
  }

  private again(entry: Entry): void {
    entry.stage = entry.blob ? "waiting" : "absent";
    entry.problem = null;
    entry.faults = 0;
    this.queue.push(entry);
  }

  /** What the kiosk has whole is not sent. */
  private compare(entry: Entry): void {
    if (this.known?.get(entry.path) === entry.size) this.finish(entry);
  }

  /** The upload is gone: all that can be sent is, to another. */
  private startOver(): void {
    this.upload = null;
    this.known = null;
    this.removed.clear();
    for (const entry of this.entries.values()) {
      entry.pieces = null;
      entry.sent = 0;
      this.again(entry);
    }
  }

  private release(): void {
    clearTimeout(this.timer);
    this.hold = null;
    this.speed.reset();
    this.pump();
    this.changed();
  }

  /** Holds what has not begun; what is on its way may have its room already, and goes on. */
  private startNoMore(hold: Hold): void {
    clearTimeout(this.timer);
    this.hold = hold;
  }

  private halt(hold: Hold): void {
    this.startNoMore(hold);
    for (const request of [...this.flying]) if (request.entry) this.stop(request.entry);
    this.speed.reset();
  }

  /** Ends what is on its way of a file; whole pieces stay. */
  private stop(entry: Entry): void {
    for (const request of [...this.flying]) {
      if (request.entry !== entry) continue;
      this.flying.delete(request);
      request.control.abort();
      this.giveBack(request);
    }
    if (entry.stage === "sending") {
      entry.stage = "waiting";
      this.queue.push(entry);
    }
    this.large.delete(entry);
    this.recount(entry);
  }

  private giveBack(request: Request): void {
    const pieces = request.entry?.pieces;
    if (!pieces || request.piece === null || !pieces.flying.delete(request.piece)) return;
    pieces.missing.unshift(request.piece);
  }

  private recount(entry: Entry): void {
    let sent = entry.pieces ? keptOf(entry.pieces, entry.size) : 0;
    for (const request of this.flying) if (request.entry === entry) sent += request.out;
    entry.sent = Math.min(sent, entry.size);
  }

  private pump(): void {
    while (!this.hold && this.flying.size < LANES) if (!this.next()) return;
  }

  /** Begins one request; false where there is none to begin. */
  private next(): boolean {
    if (this.known === null) return this.prepare();
    for (const entry of this.large) if (this.sendOn(entry)) return true;
    const entry = this.waiting();
    if (!entry) return false;
    entry.stage = "sending";
    if (entry.pieces) {
      this.large.add(entry);
      return this.sendOn(entry);
    }
    if (entry.size > this.wholeBytes) this.sendLarge(entry);
    else this.sendWhole(entry);
    return true;
  }

  private waiting(): Entry | null {
    while (this.head < this.queue.length) {
      const entry = this.queue[this.head];
      this.head += 1;
      if (entry?.stage === "waiting" && this.entries.has(entry.id)) return entry;
    }
    this.queue = [];
    this.head = 0;
    return null;
  }

  /** Makes the upload, or asks what it has; nothing else goes meanwhile. */
  private prepare(): boolean {
    const upload = this.upload;
    if (this.flying.size > 0 || (upload === null && this.entries.size === 0)) return false;
    this.run(null, null, async () => {
      if (upload === null) {
        this.upload = await this.transport.create("");
        this.known = new Map();
        return;
      }
      this.known = await this.transport.list(upload);
      for (const path of this.known.keys()) if (!this.paths.has(path)) this.removed.add(path);
      for (const entry of this.entries.values()) this.compare(entry);
    });
    return true;
  }

  private sendWhole(entry: Entry): void {
    this.run(entry, null, async (request, upload) => {
      const body = entry.blob ?? new Blob();
      const { signal } = request.control;
      await this.transport.put(upload, entry.path, body, this.counting(request), signal);
      if (!signal.aborted) this.finish(entry);
    });
  }

  private sendLarge(entry: Entry): void {
    this.run(entry, null, async (request, upload) => {
      const told = await this.transport.begin(upload, entry.path, entry.size);
      if (request.control.signal.aborted) return;
      entry.pieces = piecesOf(told);
      this.large.add(entry);
    });
  }

  /** Sends the next piece of a file, or puts all together; false where there is nothing to do. */
  private sendOn(entry: Entry): boolean {
    const pieces = entry.pieces;
    if (!pieces) return false;
    const piece = pieces.missing.shift();
    if (piece !== undefined) {
      pieces.flying.add(piece);
      this.sendPiece(entry, piece);
      return true;
    }
    for (const request of this.flying) if (request.entry === entry) return false;
    this.run(entry, null, async (_, upload) => {
      await this.transport.complete(upload, entry.path);
      // Also where it was paused meanwhile: it is whole.
      this.finish(entry);
    });
    return true;
  }

  private sendPiece(entry: Entry, piece: number): void {
    this.run(entry, piece, async (request, upload) => {
      const { pieces, blob, path } = entry;
      if (!pieces || !blob) return;
      const start = piece * pieces.bytes;
      const body = blob.slice(start, start + lengthOf(pieces, piece, entry.size));
      const { signal } = request.control;
      const url = await this.address(upload, entry, piece);
      if (signal.aborted) return;
      const send = (to: string | null) =>
        this.transport.putPiece(upload, path, piece, body, to, this.counting(request), signal);
      try {
        await send(url);
      } catch (error) {
        if (!url || signal.aborted) throw error;
        // A bucket that this browser cannot reach is left to the kiosk.
        pieces.direct = false;
        pieces.urls.clear();
        await send(null);
      }
      if (!signal.aborted) pieces.flying.delete(piece);
    });
  }

  private async address(upload: string, entry: Entry, piece: number): Promise<string | null> {
    const { pieces } = entry;
    if (!pieces?.direct) return null;
    const known = pieces.urls.get(piece);
    if (known) return known;
    const last = Math.min(piece + SIGNED, pieces.count) - 1;
    const urls = await this.transport.sign(upload, entry.path, piece, last);
    if (!urls) pieces.direct = false;
    for (const [index, url] of (urls ?? []).entries()) pieces.urls.set(piece + index, url);
    return pieces.urls.get(piece) ?? null;
  }

  private counting(request: Request): (out: number) => void {
    return (out) => {
      if (!this.flying.has(request) || !request.entry) return;
      this.speed.add(Math.max(0, out - request.out), Date.now());
      request.out = out;
      this.recount(request.entry);
      this.changed();
    };
  }

  private finish(entry: Entry): void {
    entry.stage = "done";
    entry.sent = entry.size;
    entry.problem = null;
    this.large.delete(entry);
    entry.pieces = null;
    entry.blob = null;
    this.known?.set(entry.path, entry.size);
  }

  private run(
    entry: Entry | null,
    piece: number | null,
    work: (request: Request, upload: string) => Promise<void>,
  ): void {
    const request: Request = { entry, control: new AbortController(), out: 0, piece };
    this.flying.add(request);
    work(request, this.upload ?? "")
      .then(
        () => {
          if (!this.flying.delete(request)) return;
          this.failures = 0;
          if (entry) entry.faults = 0;
        },
        (error: unknown) => {
          if (!this.flying.delete(request)) return;
          this.giveBack(request);
          this.fail(entry, asProblem(error));
        },
      )
      .then(() => {
        if (entry && entry.stage !== "done") this.recount(entry);
        this.pump();
        this.changed();
      });
  }

  private fail(entry: Entry | null, problem: Problem): void {
    if (entry && !entry.pieces) this.stop(entry);
    if (problem.signedOut) {
      this.halt({ kind: "signed-out" });
    } else if (problem.status === 404 && !entry) {
      this.halt({ kind: "lost", problem });
    } else if (problem.status === 404 && !this.isWorn(entry)) {
      // The upload may be gone, or this file of it, or be whole: what is there is asked anew.
      this.known = null;
      if (entry) {
        entry.pieces = null;
        this.stop(entry);
      }
    } else if (problem.status === 507 || problem.code === "quota") {
      if (entry) this.giveUp(entry, problem);
      this.startNoMore({ kind: "full", problem });
    } else if (problem.passing && !(problem.status === 500 && this.isWorn(entry))) {
      if (entry) entry.problem = problem;
      if (!this.hold) this.wait(problem);
    } else if (entry) {
      this.giveUp(entry, problem);
    } else {
      this.startNoMore({ kind: "full", problem });
    }
  }

  /** Whether the kiosk, which is there, has failed at this file too often. */
  private isWorn(entry: Entry | null): boolean {
    if (!entry) return false;
    entry.faults += 1;
    return entry.faults >= FAULTS;
  }

  private giveUp(entry: Entry, problem: Problem): void {
    entry.pieces = null;
    this.stop(entry);
    entry.stage = "failed";
    entry.problem = problem;
  }

  /** Waits, longer each time, and tries again. */
  private wait(problem: Problem): void {
    this.failures += 1;
    const asked = (problem.retryAfter ?? 0) * 1000;
    const pause = Math.max(asked, Math.min(LATE, SOON * 2 ** (this.failures - 1)));
    this.hold = { kind: "away", problem, until: Date.now() + pause };
    this.speed.reset();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.release(), pause);
  }
}

/** Systems keep times to the second or two, and a file that was dropped may have none. */
function sameTime(one: number, other: number): boolean {
  return one === 0 || other === 0 || Math.abs(one - other) <= 2000;
}
