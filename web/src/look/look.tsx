import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { asProblem } from "../api/problem";
import { useTitle } from "../ui/title";
import { jobQuery } from "../watch/use-job";
import { useFacts, useItem } from "./facts";
import { Away, Loading } from "./frame/away";
import { Looking } from "./frame/looking";

/** The page of one image: the image itself, what was found in it, what was measured. */
export function Look(props: { job: string; index: number }) {
  const { job, index } = props;
  const item = useItem(job, index);
  const facts = useFacts(job, index);
  const items = useQuery(jobQuery(job)).data?.items;
  const [chosen, choose] = useState({ index, number: 0 });
  const number = chosen.index === index ? chosen.number : 0;
  useLabelsWhenDone(job, index, item.data?.state);
  const name = item.data?.name ?? `Image ${index + 1}`;
  useTitle(name);

  const images = facts.data?.images;
  const image = images?.[number];
  const bar = {
    job,
    index,
    name,
    items,
    images: images && {
      names: images.map((one) => one.name),
      at: number,
      set: (at: number) => choose({ index, number: at }),
    },
  };
  const failed = item.data?.state === "failed" ? item.data.error : "";
  if (image && (image.labels || !image.error)) {
    return (
      <Looking
        key={`${job} ${index} ${number}`}
        bar={bar}
        imageNumber={number}
        image={image}
        item={failed || waiting(item.data?.state)}
      />
    );
  }
  if (!facts.isError && !image) return <Loading bar={bar} />;
  const said = image?.error ?? (facts.isError ? problem(facts.error) : null);
  return <Away bar={bar} failed={failed} said={said} retry={() => void facts.refetch()} />;
}

function problem(error: unknown): { fault: string; advice: string } {
  const { message, hint } = asProblem(error);
  return { fault: message, advice: hint };
}

function waiting(state: string | undefined): string | null {
  if (state === "waiting") return "This image is waiting for its turn: there are no labels yet.";
  if (state === "running") return "This image is being processed: there are no labels yet.";
  return null;
}

/** Asks again what there is to see when an image has been processed. */
function useLabelsWhenDone(job: string, index: number, state: string | undefined): void {
  const cache = useQueryClient();
  const [before, setBefore] = useState(state);
  useEffect(() => {
    if (state === before) return;
    setBefore(state);
    const over = before === "waiting" || before === "running";
    if (over) void cache.invalidateQueries({ queryKey: ["view", job, index] });
  }, [cache, job, index, state, before]);
}
