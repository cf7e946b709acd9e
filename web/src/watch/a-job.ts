import type { Job } from "../api/queries";

/** A job for tests: of nuclei, at work on nothing yet, but for what is said. */
export function aJob(over: Partial<Job> = {}): Job {
  return {
    id: "0123456789abcdef01234567",
    owner: "ann",
    pipeline: "nuclei",
    name: "plate 7",
    options: {},
    outputs: { format: "tiff", overlay: false, geojson: false, ngff: null },
    inputs: [{ upload: "u1" }],
    priority: "normal",
    state: "running",
    reason: "",
    items: 0,
    sealed: true,
    waiting: 0,
    running: 0,
    done: 0,
    failed: 0,
    objects: 0,
    seconds: 0,
    created: 1_790_000_000,
    started: 1_790_000_010,
    finished: 0,
    expires: 0,
    pinned: false,
    progress: 0,
    rate: 0,
    eta: null,
    position: 0,
    cost: null,
    waits: null,
    ...over,
  };
}
