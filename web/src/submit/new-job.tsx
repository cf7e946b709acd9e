import { useMe } from "../api/queries";
import { Empty } from "../ui/empty";
import { useTitle } from "../ui/title";
import { Making } from "./making";
import { LARGE } from "./uploading";

/** The page "New job". */
export function NewJob() {
  useTitle("New job");
  const me = useMe().data;
  if (!me) return null;
  if (me.job || !me.scopes.includes("write")) {
    return (
      <Empty title="You may look, but not submit">
        The token that you signed in with lets you see results. Ask for one that lets you submit
        jobs.
      </Empty>
    );
  }
  return <Making user={me.user} wholeBytes={Math.min(LARGE, me.file_bytes)} />;
}
