/** What Chromium lets a page keep of files and folders that were given to it, until it is asked again. */

const BASE = "cytomill";
const STORE = "handles";

/** Files and folders kept at most: of more the user gives the rest again. */
const MOST = 2000;

interface Asking {
  queryPermission(how: { mode: "read" }): Promise<PermissionState>;
  requestPermission(how: { mode: "read" }): Promise<PermissionState>;
}

type Handle = FileSystemHandle & Partial<Asking>;

/** Keeps `handles` with those of `upload` that are kept already. */
export async function keep(upload: string, handles: FileSystemHandle[]): Promise<void> {
  if (handles.length === 0) return;
  const before = await kept(upload);
  await doing("readwrite", (store) => store.put([...before, ...handles].slice(0, MOST), upload));
}

/** What is kept of `upload`. */
export async function kept(upload: string): Promise<FileSystemHandle[]> {
  const found = await doing("readonly", (store) => store.get(upload));
  return Array.isArray(found) ? (found as FileSystemHandle[]) : [];
}

/** Forgets all but what is kept of `upload`. */
export async function forgetAllBut(upload: string | null): Promise<void> {
  const keys = await doing("readonly", (store) => store.getAllKeys());
  for (const key of Array.isArray(keys) ? keys : []) {
    if (key !== upload) await doing("readwrite", (store) => store.delete(String(key)));
  }
}

/** Those that may be read; with `ask`, which a click must be behind, the user is asked for them. */
export async function readable(
  handles: FileSystemHandle[],
  ask: boolean,
): Promise<FileSystemHandle[]> {
  const found: FileSystemHandle[] = [];
  for (const handle of handles as Handle[]) {
    const how = { mode: "read" } as const;
    let state = await handle.queryPermission?.(how);
    if (ask && state === "prompt") state = await handle.requestPermission?.(how);
    if (state === "granted") found.push(handle);
  }
  return found;
}

/** Does one thing in the store; nothing where this browser has none, or will not keep it. */
async function doing(
  mode: IDBTransactionMode,
  what: (store: IDBObjectStore) => IDBRequest,
): Promise<unknown> {
  try {
    const base = await settled(opened());
    try {
      return await settled(what(base.transaction(STORE, mode).objectStore(STORE)));
    } finally {
      base.close();
    }
  } catch {
    return undefined;
  }
}

function opened(): IDBOpenDBRequest {
  const request = indexedDB.open(BASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return request;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
