import { useCallback, useEffect, useState } from "react";

/** All of the screen for the image; of the window alone where the browser has no more to give. */
export function useFullScreen(): { on: boolean; toggle: () => void } {
  const [on, setOn] = useState(false);
  useEffect(() => {
    const changed = () => {
      if (!document.fullscreenElement) setOn(false);
    };
    document.addEventListener("fullscreenchange", changed);
    return () => {
      document.removeEventListener("fullscreenchange", changed);
      if (document.fullscreenElement) void document.exitFullscreen();
    };
  }, []);
  const toggle = useCallback(() => {
    const root = document.documentElement;
    if (on && document.fullscreenElement) void document.exitFullscreen();
    else if (!on) void root.requestFullscreen?.().catch(() => undefined);
    setOn(!on);
  }, [on]);
  return { on, toggle };
}
