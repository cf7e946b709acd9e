import { useEffect, useSyncExternalStore } from "react";
import { SIGNED_IN } from "../people/session";
import { type Dropped, fromHandles } from "./gather";
import { forgetAllBut, keep, kept, readable } from "./handles";
import { uselessness } from "./names";
import { onlyWindow } from "./only-window";
import { forget, recall, remember } from "./remembered";
import { discard, kiosk } from "./transport";
import { type Given, Uploader } from "./uploader";

/** Milliseconds between two drawings of the progress; of many files a drawing takes longer. */
const TICK = 200;
const MANY = { files: 2000, tick: 600 };

/** Milliseconds after a change of the list until it is kept. */
const LATER = 400;

/** As people order names: img2 before img10. */
const ORDER = new Intl.Collator("en", { numeric: true });

/** A file that is not sent, and why. */
export interface Refused {
  path: string;
  size: number;
  fault: string;
  advice: string;
}

/** Bytes above which a file goes in pieces, of which those that arrived are never sent again. */
export const LARGE = 2 ** 25;

/** The upload of whoever is signed in: it goes on while they look at other places of the page. */
export class Uploading {
  uploader: Uploader;
  refused = new Map<string, Refused>();
  /** Whether files are being looked for in what was dropped. */
  reading = false;
  /** Whether the browser may be asked for the rest of the files. */
  askable = false;

  private version = 0;
  private readonly listeners = new Set<() => void>();
  private drawing: ReturnType<typeof setTimeout> | undefined;
  private keeping: ReturnType<typeof setTimeout> | undefined;
  private handles: FileSystemHandle[] = [];
  /** Whether this window keeps its upload: another of the same user has one of its own. */
  private keeps = false;
  /** The upload that is kept, and its number of files. */
  private last = { upload: "", files: 0 };

  constructor(
    readonly user: string,
    readonly wholeBytes: number,
  ) {
    this.uploader = this.begun();
    window.addEventListener("online", () => this.uploader.online());
    window.addEventListener(SIGNED_IN, () => this.uploader.signedIn());
    // What was not kept yet would be lost.
    window.addEventListener("pagehide", () => void this.keep());
    window.addEventListener("beforeunload", (event) => {
      if (this.uploader.busy) event.preventDefault();
    });
    void this.recall();
  }

  /** Takes files; those that the kiosk could not read are told and not sent. */
  take = (files: Given[]): void => {
    const useful: Given[] = [];
    for (const file of files) {
      const { path, blob } = file;
      const told = uselessness(path, blob.size);
      if (told) this.refused.set(path, { path, size: blob.size, ...told });
      else useful.push(file);
    }
    this.uploader.add(useful.sort((one, other) => ORDER.compare(one.path, other.path)));
    this.changed();
  };

  /** Takes what was dropped or picked, and keeps what the browser lets it keep. */
  async read(dropped: Dropped): Promise<void> {
    this.reading = true;
    this.changed();
    try {
      await dropped.read(this.take);
      this.handles.push(...(await dropped.handles));
      void this.keep();
    } finally {
      this.reading = false;
      this.changed();
    }
  }

  /** Reads the rest of the files where the user lets it; to be called by a click. */
  async goOn(): Promise<void> {
    if (this.uploader.upload) await this.found(await kept(this.uploader.upload), true);
  }

  dismiss = (path: string): void => {
    this.refused.delete(path);
    this.changed();
  };

  /** Forgets all: a job was made of it, or the user wants none of it. */
  clear = (): void => {
    this.uploader.close();
    void this.forget();
    this.handles = [];
    this.refused.clear();
    this.askable = false;
    this.uploader = this.begun();
    this.changed();
  };

  /** Forgets all, and has the kiosk delete it. */
  discard = (): void => {
    const { upload } = this.uploader;
    this.clear();
    if (upload) void discard(upload);
  };

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  snapshot = (): number => this.version;

  private begun(): Uploader {
    return new Uploader(kiosk, () => this.changed(), this.wholeBytes);
  }

  private changed(): void {
    const { size } = this.uploader.entries;
    const tick = size > MANY.files ? MANY.tick : TICK;
    this.drawing ??= setTimeout(() => {
      this.drawing = undefined;
      this.version += 1;
      for (const listener of this.listeners) listener();
    }, tick);
    const { upload } = this.uploader;
    if (!upload || (upload === this.last.upload && size === this.last.files)) return;
    this.last = { upload, files: size };
    this.keeping ??= setTimeout(() => {
      this.keeping = undefined;
      void this.keep();
    }, LATER);
  }

  private async keep(): Promise<void> {
    const { upload, entries } = this.uploader;
    if (!upload || !this.keeps) return;
    const files = [...entries.values()].map(({ path, size, modified }) => ({
      path,
      size,
      modified,
    }));
    remember(this.user, { upload, files });
    const handles = this.handles;
    this.handles = [];
    await keep(upload, handles);
  }

  private async forget(): Promise<void> {
    if (!this.keeps) return;
    forget(this.user);
    await forgetAllBut(null);
  }

  private async recall(): Promise<void> {
    this.keeps = await onlyWindow(`cytomill:new-job:${this.user}`);
    if (!this.keeps) return;
    if (this.uploader.upload) return void this.keep();
    const before = recall(this.user);
    if (!before || before.files.length === 0) return;
    this.last = { upload: before.upload, files: before.files.length };
    this.uploader.restore(before);
    await forgetAllBut(before.upload);
    const handles = await kept(before.upload);
    await this.found(handles, false);
    this.askable = handles.length > 0;
    this.changed();
  }

  private async found(handles: FileSystemHandle[], ask: boolean): Promise<void> {
    const wanted = new Set<string>();
    for (const entry of this.uploader.entries.values()) {
      if (entry.stage === "absent") wanted.add(entry.path);
    }
    await fromHandles(await readable(handles, ask), (files) =>
      this.take(files.filter((file) => wanted.has(file.path))),
    );
  }
}

let current: Uploading | null = null;

/** The upload of `user`, drawn again as it changes. Files above `wholeBytes` go in pieces. */
export function useUploading(user: string, wholeBytes: number): Uploading {
  const found = uploadingOf(user, wholeBytes);
  useSyncExternalStore(found.subscribe, found.snapshot);
  // Whoever sees this is signed in.
  useEffect(() => found.uploader.signedIn(), [found]);
  return found;
}

/** The upload of `user`; it is there until somebody else signs in. */
export function uploadingOf(user: string, wholeBytes: number): Uploading {
  if (current?.user === user) return current;
  current?.uploader.close();
  current = new Uploading(user, wholeBytes);
  return current;
}
