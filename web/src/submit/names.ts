/** What files are called in an upload, and which of them the kiosk can read. */

const IMAGES = [".tif", ".tiff", ".btf", ".tf2", ".tf8", ".png", ".jpg", ".jpeg"];

/** Formats that people often have, and that are not read. */
const FOREIGN = [".czi", ".nd2", ".lif", ".lsm", ".oib", ".oif", ".vsi", ".ims", ".dv", ".stk"];
const MOVIES = [".avi", ".mp4", ".mov", ".mkv"];
const ARCHIVES = [".rar", ".7z", ".tar", ".gz", ".tgz"];

const IN_ZARR = /\.zarr\//i;

/** Whether a system, not the user, put this file into a folder. */
export function isJunk(path: string): boolean {
  if (IN_ZARR.test(path)) return false;
  return path
    .split("/")
    .some(
      (part) =>
        part.startsWith(".") ||
        ["__macosx", "thumbs.db", "desktop.ini"].includes(part.toLowerCase()),
    );
}

/** Why a file is of no use to the kiosk, and what to do; nothing where it may be of use. */
export function uselessness(path: string, size: number): { fault: string; advice: string } | null {
  if (IN_ZARR.test(path)) return null;
  const name = path.toLowerCase();
  const ends = (endings: string[]) => endings.some((ending) => name.endsWith(ending));
  if (!ends([...IMAGES, ".zip"]))
    return { fault: "Is not an image that is read here.", advice: advised(ends) };
  if (size === 0) {
    return { fault: "Is empty (0 bytes).", advice: "Save or copy it again, then add it again." };
  }
  return null;
}

function advised(ends: (endings: string[]) => boolean): string {
  if (ends(FOREIGN)) return "Export it as OME-TIFF from the microscope's program or Fiji.";
  if (ends(MOVIES)) return "Save the movie as a TIFF stack, for example with Fiji.";
  if (ends(ARCHIVES)) return "Unpack it, and add its folder or a zip.";
  return "Give TIFF, OME-TIFF, OME-Zarr, PNG or JPEG, or a zip of these.";
}

/** `path` as it may be called in an upload: `/` between folders, nothing that leads elsewhere. */
export function tidy(path: string): string {
  return path
    .replace(/[\\\p{Cc}\u2028\u2029]/gu, "_")
    .split("/")
    .filter((part) => part !== "" && part !== "." && part !== "..")
    .join("/");
}

/** `path`, or `a (2).tif` and so on where it is `taken`. */
export function free(path: string, taken: (path: string) => boolean): string {
  if (!taken(path)) return path;
  const [, stem = path, ending = ""] = /^(.*?)((?:\.ome)?\.[^./]*)?$/i.exec(path) ?? [];
  let number = 2;
  while (taken(`${stem} (${number})${ending}`)) number += 1;
  return `${stem} (${number})${ending}`;
}

/** The path of the image or zip that a file belongs to: that of the folder for those in OME-Zarr. */
export function unitOf(path: string): string {
  const found = IN_ZARR.exec(path);
  return found ? path.slice(0, found.index + found[0].length - 1) : path;
}
