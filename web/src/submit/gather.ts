import { isJunk } from "./names";
import type { Given } from "./uploader";

/** Files that are handed on at once, so that the first are on their way while a folder is read. */
const BATCH = 500;

/** What takes files as they are found. */
export type Take = (files: Given[]) => void;

/** What was dropped: what can be kept for later, and the reading of it. */
export interface Dropped {
  handles: Promise<FileSystemHandle[]>;
  read: (take: Take) => Promise<void>;
}

/**
 * What a drop holds. To be called in the event itself: afterwards the browser tells nothing.
 */
export function dropped(transfer: DataTransfer): Dropped {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry());
  const files = [...transfer.files];
  const handles = Promise.all(
    items.map(async (item) => (await withHandle(item).getAsFileSystemHandle?.()) ?? null),
  );
  return {
    handles: handles.then(
      (all) => all.filter((handle) => handle !== null),
      () => [],
    ),
    async read(take) {
      const some = batches(take);
      for (const [index, entry] of entries.entries()) {
        const file = files[index];
        if (entry) await walkEntry(entry, some.add);
        else if (file) some.add(given(file, file.name));
      }
      some.end();
    },
  };
}

/** What was chosen in a dialogue of the browser; folders tell the way to each file. */
export function chosen(list: Iterable<File>, take: Take): void {
  const some = batches(take);
  for (const file of list) {
    const path = file.webkitRelativePath || file.name;
    // Of files that were chosen one by one none is left out in silence.
    if (!file.webkitRelativePath || !isJunk(path)) some.add(given(file, path));
  }
  some.end();
}

/** The files of `handles`, and of all folders in them. */
export async function fromHandles(handles: FileSystemHandle[], take: Take): Promise<void> {
  const some = batches(take);
  for (const handle of handles) await walkHandle(handle, handle.name, some.add);
  some.end();
}

async function walkHandle(
  handle: FileSystemHandle,
  path: string,
  add: (file: Given) => void,
): Promise<void> {
  if (isFile(handle)) {
    try {
      add(given(await handle.getFile(), path));
    } catch {
      // It is no longer there; whoever waits for it says so.
    }
    return;
  }
  if (!isFolder(handle)) return;
  for await (const inside of handle.values()) {
    const below = `${path}/${inside.name}`;
    if (!isJunk(below)) await walkHandle(inside, below, add);
  }
}

async function walkEntry(entry: FileSystemEntry, add: (file: Given) => void): Promise<void> {
  const path = entry.fullPath.replace(/^\//, "");
  if (isFileEntry(entry)) {
    try {
      const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
      add(given(file, path));
    } catch {
      // A link that leads nowhere, or a file that went away meanwhile.
    }
    return;
  }
  if (!isFolderEntry(entry)) return;
  const reader = entry.createReader();
  for (;;) {
    // A browser tells a hundred at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve) =>
      reader.readEntries(resolve, () => resolve([])),
    );
    if (some.length === 0) return;
    for (const inside of some) {
      if (!isJunk(inside.fullPath.slice(1))) await walkEntry(inside, add);
    }
  }
}

function batches(take: Take): { add: (file: Given) => void; end: () => void } {
  let some: Given[] = [];
  const end = () => {
    if (some.length > 0) take(some);
    some = [];
  };
  const add = (file: Given) => {
    some.push(file);
    if (some.length >= BATCH) end();
  };
  return { add, end };
}

function given(file: File, path: string): Given {
  return { path, blob: file, modified: file.lastModified };
}

type WithHandle = DataTransferItem & {
  getAsFileSystemHandle?: () => Promise<FileSystemHandle | null>;
};

function withHandle(item: DataTransferItem): WithHandle {
  return item;
}

function isFile(handle: FileSystemHandle): handle is FileSystemFileHandle {
  return handle.kind === "file";
}

/** The standard has `values`, which the language's own description of browsers lacks. */
type Folder = FileSystemDirectoryHandle & { values(): AsyncIterable<FileSystemHandle> };

function isFolder(handle: FileSystemHandle): handle is Folder {
  return handle.kind === "directory";
}

function isFileEntry(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolderEntry(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
