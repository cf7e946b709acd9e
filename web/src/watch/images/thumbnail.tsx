import { useEffect, useRef, useState } from "react";
import type { Item } from "../../api/queries";
import styles from "./images.module.css";
import { isGoing } from "./pages";
import { Slots } from "./slots";

/** Pictures that are fetched at once: the kiosk makes each, and other requests must pass. */
const slots = new Slots(2);

/** Milliseconds that a row is in view before its picture is asked for: those passed have none. */
const REST = 200;

/** Pictures that the browser has, of late; they need not wait. */
const had = new Set<string>();
const MOST = 2000;

/** A small picture of an image that is done; a quiet square where there is none. */
export function Thumbnail(props: { job: string; item: Item | undefined }) {
  const { job, item } = props;
  if (item?.state !== "done") {
    return <div className={styles.thumb} data-going={item && isGoing(item)} aria-hidden="true" />;
  }
  const url = `/api/v1/jobs/${job}/items/${item.index}/preview.png?size=96`;
  return <Picture key={url} url={url} />;
}

function Picture(props: { url: string }) {
  const { url } = props;
  const [state, setState] = useState<"waiting" | "going" | "there" | "none">(
    had.has(url) ? "going" : "waiting",
  );
  const giveBack = useRef<() => void>(undefined);
  useEffect(() => {
    if (had.has(url)) return;
    const timer = setTimeout(() => {
      giveBack.current = slots.ask(() => setState("going"));
    }, REST);
    return () => {
      clearTimeout(timer);
      giveBack.current?.();
    };
  }, [url]);
  const ended = (now: "there" | "none") => {
    giveBack.current?.();
    if (now === "there") {
      had.add(url);
      const [oldest] = had;
      if (had.size > MOST && oldest) had.delete(oldest);
    }
    setState(now);
  };
  return (
    <div className={styles.thumb} aria-hidden="true">
      {(state === "going" || state === "there") && (
        <img src={url} alt="" onLoad={() => ended("there")} onError={() => ended("none")} />
      )}
    </div>
  );
}
