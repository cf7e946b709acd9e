import { Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { SignedIn } from "./people/signed-in";
import { Shell } from "./shell";
import { Crash } from "./ui/crash";
import { Empty } from "./ui/empty";
import { Pending } from "./ui/pending";
import { Jobs } from "./watch/jobs";

const NewJob = lazy(() => import("./submit/new-job").then((m) => ({ default: m.NewJob })));
const JobPage = lazy(() => import("./watch/job").then((m) => ({ default: m.JobPage })));
const Look = lazy(() => import("./look/look").then((m) => ({ default: m.Look })));
const Operate = lazy(() => import("./operate/operate").then((m) => ({ default: m.Operate })));
const Tokens = lazy(() => import("./people/tokens").then((m) => ({ default: m.Tokens })));
const SignIn = lazy(() => import("./people/sign-in").then((m) => ({ default: m.SignIn })));
const SignInBack = lazy(() =>
  import("./people/sign-in-back").then((m) => ({ default: m.SignInBack })),
);
const Shared = lazy(() => import("./people/shared").then((m) => ({ default: m.Shared })));

/** The whole page: what needs nobody signed in, and all the rest. */
export function App() {
  const [place] = useLocation();
  return (
    <Crash place={place}>
      <Suspense fallback={<Waiting />}>
        <Switch>
          <Route path="/sign-in">
            <SignIn />
          </Route>
          <Route path="/sign-in/back">
            <SignInBack />
          </Route>
          <Route path="/shared">
            <Shared />
          </Route>
          <Route>
            <SignedIn>
              <Shell>
                <Crash place={place}>
                  <Suspense fallback={<Waiting />}>
                    <Inside />
                  </Suspense>
                </Crash>
              </Shell>
            </SignedIn>
          </Route>
        </Switch>
      </Suspense>
    </Crash>
  );
}

function Inside() {
  return (
    <Switch>
      <Route path="/">
        <Jobs />
      </Route>
      <Route path="/new">
        <NewJob />
      </Route>
      <Route path="/jobs/:id">{(given) => <JobPage key={given.id} id={given.id} />}</Route>
      <Route path="/jobs/:id/images/:index">
        {(given) =>
          /^\d+$/.test(given.index) ? (
            <Look job={given.id} index={Number(given.index)} />
          ) : (
            <Redirect to={`/jobs/${given.id}`} />
          )
        }
      </Route>
      <Route path="/operate">
        <Operate />
      </Route>
      <Route path="/tokens">
        <Tokens />
      </Route>
      <Route>
        <Empty title="There is no such page" order={1}>
          The address may be mistyped, or what it led to is gone.
        </Empty>
      </Route>
    </Switch>
  );
}

function Waiting() {
  return (
    <Pending p="md">
      <Skeleton height={36} width="40%" />
      <Skeleton height={120} />
      <Skeleton height={120} />
    </Pending>
  );
}
