import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Problem } from "../api/problem";
import type { Large, Transport } from "./transport";
import { type Given, Uploader } from "./uploader";

const PIECE = 4;

/** A kiosk in memory; `next` says what becomes of the next sendings, in order. */
class Memory implements Transport {
  readonly files = new Map<string, number>();
  readonly pieces = new Map<string, Set<number>>();
  readonly log: string[] = [];
  readonly next: (Error | "hang")[] = [];
  uploads = 0;
  most = 0;
  private now = 0;

  async create() {
    this.uploads += 1;
    return `upload${this.uploads}`;
  }

  async list() {
    this.log.push("list");
    return new Map(this.files);
  }

  async put(_: string, path: string, body: Blob, progress: (n: number) => void, stop: AbortSignal) {
    await this.take(`put ${path}`, stop);
    progress(body.size);
    this.files.set(path, body.size);
  }

  async begin(_: string, path: string, size: number): Promise<Large> {
    this.log.push(`begin ${path}`);
    const there = this.pieces.get(path) ?? new Set();
    this.pieces.set(path, there);
    const have = [...there].map((piece) => [piece, piece]);
    return { path, bytes: size, piece_bytes: PIECE, pieces: Math.ceil(size / PIECE), have };
  }

  async sign() {
    return null;
  }

  async putPiece(
    _: string,
    path: string,
    piece: number,
    body: Blob,
    __: string | null,
    progress: (n: number) => void,
    stop: AbortSignal,
  ) {
    await this.take(`piece ${path} ${piece}`, stop);
    progress(body.size);
    this.pieces.get(path)?.add(piece);
  }

  async complete(_: string, path: string) {
    this.log.push(`complete ${path}`);
    this.files.set(path, (this.pieces.get(path)?.size ?? 0) * PIECE);
  }

  private async take(what: string, stop: AbortSignal) {
    this.log.push(what);
    this.now += 1;
    this.most = Math.max(this.most, this.now);
    const fate = this.next.shift();
    try {
      await new Promise<void>((resolve, reject) => {
        stop.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
        if (fate !== "hang") setTimeout(() => (fate ? reject(fate) : resolve()), 1);
      });
    } finally {
      this.now -= 1;
    }
  }
}

const away = () => new TypeError("Failed to fetch");
const told = (status: number, code = "code") => new Problem(status, code, "Told.");

function given(path: string, size = 3): Given {
  return { path, blob: new Blob(["x".repeat(size)]), modified: 1000 };
}

function stages(uploader: Uploader): string[] {
  return [...uploader.entries.values()].map((entry) => entry.stage);
}

let kiosk: Memory;
let uploader: Uploader;

beforeEach(() => {
  vi.useFakeTimers();
  kiosk = new Memory();
  uploader = new Uploader(kiosk, () => undefined, 10);
});

afterEach(() => {
  uploader.close();
  vi.useRealTimers();
});

const pass = (seconds = 1) => vi.advanceTimersByTimeAsync(seconds * 1000);

describe("sending", () => {
  it("sends several at once, but not all", async () => {
    uploader.add(Array.from({ length: 20 }, (_, index) => given(`${index}.tif`)));
    await pass();
    expect(kiosk.files.size).toBe(20);
    expect(kiosk.most).toBe(4);
    expect(uploader.totals(0)).toMatchObject({ done: 20, sent: 60, bytes: 60, open: 0 });
    expect(kiosk.uploads).toBe(1);
  });

  it("sends large files in pieces, several at once, and puts them together once", async () => {
    uploader.add([given("large.tif", 24)]);
    await pass();
    expect(kiosk.files.get("large.tif")).toBe(24);
    expect(kiosk.most).toBe(4);
    expect(kiosk.log.filter((line) => line.startsWith("complete"))).toHaveLength(1);
    expect(kiosk.log.filter((line) => line.startsWith("piece"))).toHaveLength(6);
  });

  it("takes a file once, and another of the same name beside it", async () => {
    uploader.add([given("a.ome.tif"), given("a.ome.tif"), given("a.ome.tif", 5)]);
    await pass();
    expect([...kiosk.files.keys()]).toEqual(["a.ome.tif", "a (2).ome.tif"]);
  });
});

describe("a line that is cut", () => {
  it("waits, longer each time, and goes on by itself", async () => {
    kiosk.next.push(away(), away());
    uploader.add([given("a.tif")]);
    await pass(0.5);
    expect(uploader.hold?.kind).toBe("away");
    await pass(1);
    expect(kiosk.files.size).toBe(0);
    await pass(2);
    expect([...kiosk.files.keys()]).toEqual(["a.tif"]);
    expect(uploader.hold).toBeNull();
  });

  it("counts one break of several lines as one", async () => {
    kiosk.next.push(away(), away(), away(), away());
    uploader.add(["a", "b", "c", "d"].map((name) => given(`${name}.tif`)));
    await pass(1.5);
    expect(kiosk.files.size).toBe(4);
  });

  it("tries at once where the browser says that the line is there", async () => {
    kiosk.next.push(away());
    uploader.add([given("a.tif")]);
    await pass(0.1);
    uploader.online();
    await pass(0.1);
    expect(kiosk.files.size).toBe(1);
  });

  it("keeps the pieces that arrived", async () => {
    kiosk.next.push(away());
    uploader.add([given("large.tif", 24)]);
    await pass(3);
    expect(kiosk.files.get("large.tif")).toBe(24);
    expect(kiosk.log.filter((line) => line.startsWith("piece"))).toHaveLength(7);
    expect(kiosk.log.filter((line) => line.startsWith("begin"))).toHaveLength(1);
  });

  it("gives a file up at which the kiosk fails again and again, and sends the others", async () => {
    kiosk.next.push(...Array.from({ length: 5 }, () => told(500)));
    uploader.add([given("a.tif")]);
    await pass(60);
    expect(stages(uploader)).toEqual(["failed"]);
    uploader.add([given("b.tif")]);
    await pass();
    expect(stages(uploader)).toEqual(["failed", "done"]);
  });
});

describe("pause", () => {
  it("stops one file while the others go", async () => {
    kiosk.next.push("hang");
    uploader.add([given("a.tif"), given("b.tif")]);
    await pass(0.1);
    uploader.pause(1);
    await pass();
    expect(stages(uploader)).toEqual(["paused", "done"]);
    uploader.resume(1);
    await pass();
    expect(stages(uploader)).toEqual(["done", "done"]);
  });

  it("stops all, and goes on with the pieces that are missing", async () => {
    uploader.add([given("large.tif", 80)]);
    await pass(0.002);
    uploader.pauseAll();
    const before = kiosk.log.length;
    await pass(10);
    expect(kiosk.log).toHaveLength(before);
    expect(uploader.busy).toBe(false);
    uploader.resumeAll();
    await pass();
    expect(kiosk.files.get("large.tif")).toBe(80);
  });

  it("removes a file that is on its way", async () => {
    kiosk.next.push("hang");
    uploader.add([given("a.tif"), given("b.tif")]);
    await pass(0.1);
    uploader.remove(1);
    await pass();
    expect([...kiosk.files.keys()]).toEqual(["b.tif"]);
    expect([...uploader.removed]).toEqual(["a.tif"]);
  });
});

describe("refusals", () => {
  it("waits for a sign-in", async () => {
    kiosk.next.push(told(401));
    uploader.add([given("a.tif")]);
    await pass(100);
    expect(uploader.hold?.kind).toBe("signed-out");
    uploader.signedIn();
    await pass();
    expect(stages(uploader)).toEqual(["done"]);
  });

  it("stops where there is no room, and tells it at the file", async () => {
    kiosk.next.push(told(507, "bucket_full"));
    uploader.add([given("a.tif")]);
    await pass(100);
    expect(uploader.hold?.kind).toBe("full");
    expect(uploader.entries.get(1)?.problem?.message).toBe("Told.");
    uploader.resumeAll();
    await pass();
    expect(stages(uploader)).toEqual(["done"]);
  });

  it("lets what is on its way go on where another file has no room", async () => {
    kiosk.next.push(told(429, "quota"));
    uploader.add(["a", "b", "c", "d", "e"].map((name) => given(`${name}.tif`)));
    await pass();
    expect(uploader.hold?.kind).toBe("full");
    expect(stages(uploader)).toEqual(["failed", "done", "done", "done", "waiting"]);
  });

  it("fails the file that is refused, and no other", async () => {
    kiosk.next.push(told(413, "too_large"));
    uploader.add([given("a.tif"), given("b.tif")]);
    await pass();
    expect(stages(uploader)).toEqual(["failed", "done"]);
  });

  it("sends all to another upload where the first is gone", async () => {
    vi.spyOn(kiosk, "list").mockRejectedValueOnce(told(404));
    uploader.restore({ upload: "old", files: [{ path: "a.tif", size: 3, modified: 0 }] });
    await pass();
    expect(uploader.hold?.kind).toBe("lost");
    uploader.add([given("a.tif")]);
    uploader.resumeAll();
    await pass();
    expect(uploader.upload).toBe("upload1");
    expect(stages(uploader)).toEqual(["done"]);
  });
});

describe("a page that is loaded again", () => {
  const files = [
    { path: "a.tif", size: 3, modified: 1000 },
    { path: "b.tif", size: 3, modified: 1000 },
  ];

  it("knows what is there, and waits for the rest", async () => {
    kiosk.files.set("a.tif", 3);
    uploader.restore({ upload: "old", files });
    await pass();
    expect(stages(uploader)).toEqual(["done", "absent"]);
    uploader.add([given("a.tif"), given("b.tif")]);
    await pass();
    expect(stages(uploader)).toEqual(["done", "done"]);
    expect(kiosk.log.filter((line) => line.startsWith("put"))).toEqual(["put b.tif"]);
    expect(kiosk.uploads).toBe(0);
  });

  it("sends again what is there in another size", async () => {
    kiosk.files.set("a.tif", 2);
    uploader.restore({ upload: "old", files });
    uploader.add(files.map((file) => given(file.path)));
    await pass();
    expect(kiosk.files.get("a.tif")).toBe(3);
  });

  it("sends the missing pieces of a large file", async () => {
    kiosk.pieces.set("large.tif", new Set([0, 1, 3]));
    uploader.restore({ upload: "old", files: [{ path: "large.tif", size: 20, modified: 0 }] });
    uploader.add([given("large.tif", 20)]);
    await pass();
    const pieces = kiosk.log.filter((line) => line.startsWith("piece"));
    expect(pieces).toEqual(["piece large.tif 2", "piece large.tif 4"]);
    expect(kiosk.files.get("large.tif")).toBe(20);
  });

  it("knows of files that were removed before", async () => {
    kiosk.files.set("a.tif", 3).set("gone.tif", 3);
    uploader.restore({ upload: "old", files });
    await pass();
    expect([...uploader.removed]).toEqual(["gone.tif"]);
  });
});
