import { useCallback } from "react";
import { useLocation } from "wouter";
import type { Me } from "../../api/queries";
import { DropAnywhere } from "../../submit/drop-anywhere";
import type { Dropped } from "../../submit/gather";
import { LARGE, uploadingOf } from "../../submit/uploading";

/** Takes files that are dropped on the list of jobs: a new job begins with them. */
export function DropHere(props: { me: Me }) {
  const { user, file_bytes } = props.me;
  const [, go] = useLocation();
  const take = useCallback(
    (files: Dropped) => {
      void uploadingOf(user, Math.min(LARGE, file_bytes)).read(files);
      go("/new");
    },
    [user, file_bytes, go],
  );
  return <DropAnywhere onDrop={take} />;
}
