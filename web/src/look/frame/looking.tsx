import { lazy, Suspense, useEffect, useState } from "react";
import type { ImageFacts } from "../facts";
import { LookContext, LookStore } from "../selection";
import { Loading, Still } from "./away";
import type { BarProps } from "./bar";
import { hasGraphics } from "./graphics";

const Viewer = lazy(() => import("./viewer").then((m) => ({ default: m.Viewer })));

/** An image that can be looked at; newer facts of it change what is shown, not where one is. */
export function Looking(props: {
  bar: BarProps;
  imageNumber: number;
  image: ImageFacts;
  item: string | null;
}) {
  const { bar, imageNumber, image, item } = props;
  const { job, index } = bar;
  const [store] = useState(() => new LookStore({ job, index, imageNumber, image }));
  useEffect(() => store.setImage(image), [store, image]);
  if (!hasGraphics()) return <Still bar={bar} />;
  return (
    <LookContext.Provider value={store}>
      <Suspense fallback={<Loading bar={bar} />}>
        <Viewer bar={bar} item={item} />
      </Suspense>
    </LookContext.Provider>
  );
}
