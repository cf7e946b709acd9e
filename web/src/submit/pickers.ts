/** The dialogues of Chromium that let files be read again after the page was loaded anew. */

interface Pickers {
  showOpenFilePicker?: (how: { multiple: boolean }) => Promise<FileSystemFileHandle[]>;
  showDirectoryPicker?: () => Promise<FileSystemDirectoryHandle>;
}

/**
 * What the user chose; an empty list where they thought better of it, nothing where this browser
 * has no such dialogue and the one of old must be used.
 */
export async function picked(what: "files" | "folder"): Promise<FileSystemHandle[] | null> {
  const { showOpenFilePicker, showDirectoryPicker } = window as Pickers;
  try {
    if (what === "files") return (await showOpenFilePicker?.({ multiple: true })) ?? null;
    const folder = await showDirectoryPicker?.();
    return folder ? [folder] : null;
  } catch (error) {
    return error instanceof DOMException && error.name === "AbortError" ? [] : null;
  }
}
