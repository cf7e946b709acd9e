import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, data } from "../api/client";
import type { Me } from "../api/queries";
import { tell } from "./channel";

/** What is told to the page's own parts when somebody has signed in again: they may go on. */
export const SIGNED_IN = "cytomill:signed-in";

/** How one signs in at this kiosk, and whether that was done. */
export function useSession() {
  return useQuery({
    queryKey: ["session"],
    queryFn: () => data(api.GET("/api/v1/session")),
    staleTime: 0,
    gcTime: 0,
  });
}

/** Exchanges a token for the cookie; what was asked for before belongs to nobody any more. */
export function useSignIn() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (token: string) => data(api.POST("/api/v1/session", { body: { token } })),
    onSuccess: (me) => {
      const before = cache.getQueryData<Me>(["me"]);
      if (before && before.user !== me.user) cache.clear();
      cache.setQueryData(["me"], me);
      void cache.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "me" });
      window.dispatchEvent(new Event(SIGNED_IN));
      tell("in");
    },
  });
}

/** Calls `end` when what one signed in with ends, in seconds since 1970; 0 is never. */
export function useEnd(expires: number, end: () => void): void {
  useEffect(() => {
    if (!expires) return;
    let timer: ReturnType<typeof setTimeout>;
    const wait = () => {
      const left = expires * 1000 - Date.now();
      // A timer counts no further than 24 days.
      timer = setTimeout(left > 0 ? wait : end, Math.min(Math.max(left, 0), 86_400_000));
    };
    wait();
    return () => clearTimeout(timer);
  }, [expires, end]);
}
