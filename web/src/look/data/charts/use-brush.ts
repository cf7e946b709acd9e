import { useRef, useState } from "react";
import { asProblem } from "../../../api/problem";
import { useLookStore } from "../../selection";
import { eachPage, type Range } from "../measurements";
import { usePanel } from "../panel-state";

/** Selects the cells whose values are in ranges: all of them, though charts may show fewer. */
export function useBrush() {
  const store = useLookStore();
  const { where, filter, several, brush } = usePanel();
  const [told, tell] = useState("");
  const running = useRef<AbortController>(null);

  const select = async (ranges: readonly Range[]) => {
    running.current?.abort();
    const { image, t, z } = store.get();
    // Labels mean the same in all frames only where cells were followed.
    const plane = several && !image.tracks ? { t, z } : filter;
    const own = new AbortController();
    running.current = own;
    const labels = new Set<number>();
    tell("Reading…");
    try {
      const asked = { ...plane, ranges };
      await eachPage(
        where,
        ["label"],
        asked,
        (page, done) => {
          for (const label of page.label ?? []) if (typeof label === "number") labels.add(label);
          tell(`Reading… ${Math.round(100 * done)} %`);
        },
        own.signal,
      );
      brush(labels, { ranges, plane });
      tell("");
    } catch (error) {
      if (!own.signal.aborted) tell(`This did not work: ${asProblem(error).message}`);
    }
  };
  const clear = () => {
    running.current?.abort();
    tell("");
    store.select([], { by: "data" });
  };
  return { select, clear, told };
}
