import { api, data, type Schema, SIGNED_OUT } from "../api/client";
import { Problem, problemOf } from "../api/problem";

export type Large = Schema<"LargeAnswer">;

/** Called with the bytes of a body that are out. */
export type Progress = (sent: number) => void;

/** How files come to a kiosk. Everything throws a `Problem` where it is refused or cut. */
export interface Transport {
  create(name: string): Promise<string>;
  /** The files that are whole, with their bytes. */
  list(upload: string): Promise<Map<string, number>>;
  put(
    upload: string,
    path: string,
    body: Blob,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<void>;
  begin(upload: string, path: string, size: number): Promise<Large>;
  /** Where the bucket takes pieces `first` to `last`; nothing where they go to the kiosk. */
  sign(upload: string, path: string, first: number, last: number): Promise<string[] | null>;
  /** Sends a piece, to `url` where there is one. */
  putPiece(
    upload: string,
    path: string,
    piece: number,
    body: Blob,
    url: string | null,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<void>;
  complete(upload: string, path: string): Promise<void>;
}

const ROOT = "/api/v1/uploads";

/** Files of a page of the list of an upload. */
const PAGE = 5000;

/** The way to the kiosk that serves this page. */
export const kiosk: Transport = {
  async create(name) {
    return (await data(api.POST("/api/v1/uploads", { body: { name } }))).id;
  },

  async list(upload) {
    const found = new Map<string, number>();
    let after = "";
    for (;;) {
      const page = await data(
        api.GET("/api/v1/uploads/{upload}/files", {
          params: { path: { upload }, query: { after, limit: PAGE } },
        }),
      );
      for (const file of page.files) found.set(file.path, file.bytes);
      if (page.next === null) return found;
      after = page.next;
    }
  },

  put(upload, path, body, progress, signal) {
    return sent(`${ROOT}/${upload}/files/${encoded(path)}`, body, progress, signal);
  },

  async begin(upload, path, size) {
    return data(
      api.POST("/api/v1/uploads/{upload}/large", {
        params: { path: { upload } },
        body: { path, bytes: size },
      }),
    );
  },

  async sign(upload, path, first, last) {
    const told = await data(
      api.GET("/api/v1/uploads/{upload}/large/{path}", {
        params: { path: { upload, path }, query: { sign: `${first}-${last}` } },
        // Slashes of a path stay what they are.
        pathSerializer: () => `${ROOT}/${upload}/large/${encoded(path)}`,
      }),
    );
    return told.urls ?? null;
  },

  putPiece(upload, path, piece, body, url, progress, signal) {
    const own = `${ROOT}/${upload}/large/${encoded(path)}?piece=${piece}`;
    return sent(url ?? own, body, progress, signal);
  },

  async complete(upload, path) {
    await data(
      api.POST("/api/v1/uploads/{upload}/complete", {
        params: { path: { upload } },
        body: { path },
      }),
    );
  },
};

/** Has the kiosk delete an upload that nobody needs; where that fails its days end by themselves. */
export async function discard(upload: string): Promise<void> {
  const params = { path: { upload } };
  await api.DELETE("/api/v1/uploads/{upload}", { params }).catch(() => undefined);
}

function encoded(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** Sends `body`; the browser reads it from the disk as it goes, and tells how far it is. */
async function sent(url: string, body: Blob, progress: Progress, signal: AbortSignal) {
  try {
    await put(url, body, progress, signal);
  } catch (error) {
    if (error instanceof TypeError && !(await readable(body))) {
      throw new Problem(
        -1,
        "unreadable",
        "Cannot be read any more: it was changed, moved or deleted.",
        "Add it again.",
      );
    }
    throw error;
  }
}

/** `fetch` does not tell how much of a body is out; this older call does. */
function put(url: string, body: Blob, progress: Progress, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(new DOMException("stopped", "AbortError"));
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    request.open("PUT", url);
    if (!url.startsWith("http"))
      request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => progress(event.loaded);
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    request.onerror = () => reject(new TypeError("the line is cut"));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) return resolve();
      if (request.status === 401) window.dispatchEvent(new Event(SIGNED_OUT));
      reject(problemOf(answerOf(request), parsed(request.responseText)));
    };
    request.onloadend = () => signal.removeEventListener("abort", stop);
    signal.addEventListener("abort", stop);
    request.send(body);
  });
}

function answerOf(request: XMLHttpRequest): Response {
  const after = request.getResponseHeader("Retry-After");
  const headers = after ? { "Retry-After": after } : undefined;
  // A status of 1xx or above 599 is none that a Response may have.
  const status = request.status >= 200 && request.status <= 599 ? request.status : 502;
  return new Response(null, { status, headers });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function readable(body: Blob): Promise<boolean> {
  try {
    await body.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
