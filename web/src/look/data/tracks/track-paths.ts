import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import type { ImageFacts } from "../../facts";
import { useLookPart, useLookStore } from "../../selection";
import { type Columns, eachPage, type Filter, numbers, type Where } from "../measurements";
import type { Tree } from "./lineage";
import { pathsOf } from "./paths";

/** Whose ways are drawn on the movie. */
export type PathsShown = "none" | "family" | "all";

const SPOTS = ["label", "t", "centroid-0", "centroid-1"] as const;

/** Spots of which all ways are read: more take long, and cannot be told apart on the movie. */
const MANY = 200_000;

/** Labels that fit into the address of a question. */
const LABELS = 500;

/** Whether the ways of all cells of a movie can be drawn, and whether of any. */
export function drawable(image: ImageFacts): { any: boolean; all: boolean } {
  const known = new Set(image.columns.map((one) => one.name));
  const any = image.tracks && SPOTS.every((name) => known.has(name));
  return { any, all: any && image.rows <= MANY };
}

/** What is drawn until one chooses. */
export function firstPaths(image: ImageFacts): PathsShown {
  const can = drawable(image);
  return can.all ? "all" : can.any ? "family" : "none";
}

/** Draws the ways of all cells on the movie, or those of the family that is selected. */
export function useTrackPaths(where: Where, shown: PathsShown, tree: Tree | undefined): unknown {
  const store = useLookStore();
  const selected = useLookPart((look) => look.selected);
  const family = shown === "family" && tree ? familyOf(tree, selected) : null;
  const filter: Filter = family ? { labels: family } : {};
  const wanted = shown === "all" || (family !== null && family.length > 0);
  const { data, error } = useQuery({
    enabled: wanted,
    queryKey: ["measurements", where, filter, "paths"],
    queryFn: async ({ signal }) => {
      const pages: Columns[] = [];
      await eachPage(where, SPOTS, filter, (page) => pages.push(page), signal);
      const column = (name: string) => pages.flatMap((page) => [...numbers(page[name])]);
      return pathsOf({
        label: column("label"),
        t: column("t"),
        y: column("centroid-0"),
        x: column("centroid-1"),
      });
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    placeholderData: keepPreviousData,
  });
  useEffect(() => {
    store.setTracks(wanted && data ? { paths: data } : null);
  }, [store, wanted, data]);
  return error;
}

/** The labels of the family of the first track that is selected. */
function familyOf(tree: Tree, selected: ReadonlySet<number>): number[] {
  const lane = [...selected].map((label) => tree.byLabel.get(label)).find((one) => one);
  if (!lane) return [];
  const { first, end } = lane.family;
  return tree.lanes.slice(first, Math.min(end, first + LABELS)).map((one) => one.track.label);
}
