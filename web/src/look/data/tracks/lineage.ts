/** Where tracks are drawn in a lineage tree: time to the right, a lane for each track. */

export type Track = {
  readonly label: number;
  /** First and last frame it is seen in. */
  readonly start: number;
  readonly end: number;
  readonly parent: number | null;
  readonly children: readonly number[];
};

/** A track at its place in the tree. */
export type Lane = {
  readonly track: Track;
  /** Counted from the top of the whole tree; tracks of one family are beside each other. */
  readonly row: number;
  /** How many divisions are above it. */
  readonly depth: number;
  readonly family: Family;
};

/** A track without a parent and all that came of it, on the rows from `first` to before `end`. */
export type Family = { readonly founder: number; readonly first: number; readonly end: number };

export type Tree = {
  /** From the top to the bottom. */
  readonly lanes: readonly Lane[];
  readonly byLabel: ReadonlyMap<number, Lane>;
  readonly frames: number;
};

/** A line from a track to a daughter. */
export type Branch = { readonly from: Lane; readonly to: Lane };

/**
 * The tree of `tracks`: the largest families first, daughters above and below their parent. A track
 * whose parent is not among them, or would be its own ancestor, begins a family.
 */
export function treeOf(tracks: readonly Track[]): Tree {
  const known = new Map(tracks.map((track) => [track.label, track]));
  const daughters = new Map<number, Track[]>();
  for (const track of tracks) {
    if (track.parent === null || !known.has(track.parent)) continue;
    const beside = daughters.get(track.parent);
    if (beside) beside.push(track);
    else daughters.set(track.parent, [track]);
  }
  const families = tracks
    .filter((track) => track.parent === null || !known.has(track.parent))
    .map((track) => ordered(track, daughters))
    .sort((a, b) => b.length - a.length);
  const placed = new Set(families.flat().map((one) => one.track.label));
  const lanes: Lane[] = [];
  for (const members of [
    ...families,
    ...tracks.filter((track) => !placed.has(track.label)).map((track) => [{ track, depth: 0 }]),
  ]) {
    const first = lanes.length;
    const founder = members.find((one) => one.depth === 0)?.track.label ?? 0;
    const family = { founder, first, end: first + members.length };
    for (const one of members) lanes.push({ ...one, row: lanes.length, family });
  }
  const byLabel = new Map(lanes.map((lane) => [lane.track.label, lane]));
  const frames = tracks.reduce((most, track) => Math.max(most, track.end + 1), 1);
  return { lanes, byLabel, frames };
}

/** The daughters of a track in the tree, from the top to the bottom. */
export function daughtersOf(tree: Tree, lane: Lane): Lane[] {
  const { first, end } = lane.family;
  return tree.lanes
    .slice(first, end)
    .filter((other) => other.track.parent === lane.track.label && other !== lane);
}

/** The lanes on the rows from `first` to before `end`, and all branches that cross these rows. */
export function partOf(
  tree: Tree,
  first: number,
  end: number,
): { lanes: readonly Lane[]; branches: Branch[] } {
  const lanes = tree.lanes.slice(first, end);
  const from = lanes[0]?.family.first ?? 0;
  const to = lanes.at(-1)?.family.end ?? 0;
  const branches: Branch[] = [];
  for (const lane of tree.lanes.slice(from, to)) {
    const parent = parentOf(tree, lane);
    if (!parent) continue;
    if (Math.max(parent.row, lane.row) >= first && Math.min(parent.row, lane.row) < end) {
      branches.push({ from: parent, to: lane });
    }
  }
  return { lanes, branches };
}

/** The lane of the track that a track came of. */
export function parentOf(tree: Tree, lane: Lane): Lane | undefined {
  if (lane.depth === 0 || lane.track.parent === null) return undefined;
  return tree.byLabel.get(lane.track.parent);
}

/** Frames whose numbers, from 1, are round: at most `most` of them, for an axis. */
export function ticksOf(frames: number, most: number): number[] {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
  const step = steps.find((one) => frames / one <= Math.max(most, 2)) ?? 20_000;
  return Array.from({ length: Math.floor(frames / step) }, (_, i) => (i + 1) * step - 1);
}

/** A family from the top to the bottom: half the daughters of a track, the track, the others. */
function ordered(
  founder: Track,
  daughters: ReadonlyMap<number, readonly Track[]>,
): { track: Track; depth: number }[] {
  const found: { track: Track; depth: number }[] = [];
  const waiting: { track: Track; depth: number; open: boolean }[] = [
    { track: founder, depth: 0, open: true },
  ];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { track, depth, open } = next;
    const below = daughters.get(track.label) ?? [];
    if (!open || below.length === 0) {
      found.push({ track, depth });
      continue;
    }
    const opened = below.map((one) => ({ track: one, depth: depth + 1, open: true }));
    const half = Math.ceil(opened.length / 2);
    const whole = [...opened.slice(0, half), { track, depth, open: false }, ...opened.slice(half)];
    waiting.push(...whole.reverse());
  }
  return found;
}
