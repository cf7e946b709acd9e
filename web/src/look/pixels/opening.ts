import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import type { ImageFacts } from "../facts";
import { Pyramid } from "./pyramid";
import { LevelSource } from "./source";
import { KioskStore } from "./store";

/** Bytes of tiles that are kept: of the image, and of its labels. */
const IMAGE_BYTES = 256 * 2 ** 20;
const LABEL_BYTES = 128 * 2 ** 20;

/** Which image of which item of which job. */
export type Where = { readonly job: string; readonly index: number; readonly imageNumber: number };

/** The pixels of an image, its levels as Viv reads them, and its labels: each once it is open. */
export function usePyramids(where: Where, facts: ImageFacts) {
  const count = facts.levels.length;
  const image = usePyramid(where, "image", facts.error ? 0 : count, IMAGE_BYTES);
  const labels = usePyramid(where, "labels", facts.labels ? count : 0, LABEL_BYTES);
  const levels = useMemo(() => {
    const found = image.data;
    return found?.levels.map((_, level) => new LevelSource(found, level));
  }, [image.data]);
  return {
    image: image.data,
    levels,
    labels: labels.data,
    error: image.error ?? labels.error,
    retry: () => void Promise.all([image, labels].map((one) => one.isError && one.refetch())),
  };
}

function usePyramid(where: Where, name: "image" | "labels", count: number, bytes: number) {
  const { job, index, imageNumber } = where;
  const address = `/api/v1/jobs/${job}/items/${index}/view/${imageNumber}/${name}.zarr`;
  return useQuery({
    queryKey: ["pyramid", address, count],
    queryFn: () => Pyramid.open(new KioskStore(address), count, bytes),
    enabled: count > 0,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
    retry: false,
    structuralSharing: false,
  });
}
