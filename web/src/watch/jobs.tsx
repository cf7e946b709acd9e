import { Button, Container, Group, Skeleton, Stack, Title } from "@mantine/core";
import { lazy, Suspense, useMemo } from "react";
import { Link, Redirect, useSearchParams } from "wouter";
import { useMe } from "../api/queries";
import { Empty } from "../ui/empty";
import { Pending } from "../ui/pending";
import { ProblemView } from "../ui/problem-view";
import { useTitle } from "../ui/title";
import { JobList } from "./list/job-list";
import { JobsFilter } from "./list/jobs-filter";
import { type Chosen, chosenOf, isChoice, searchOf } from "./list/listed";
import { NoJobs } from "./list/no-jobs";
import { useJobs } from "./list/use-jobs";
import { Lost } from "./lost";

const DropHere = lazy(() => import("./list/drop-here").then((m) => ({ default: m.DropHere })));

/** One's jobs, newest first, as they go on. */
export function Jobs() {
  useTitle("Jobs");
  const me = useMe().data;
  if (me?.job) return <Redirect to={`/jobs/${me.job}`} replace />;
  return (
    <>
      <Mine />
      <Suspense>{me?.scopes.includes("write") && <DropHere me={me} />}</Suspense>
    </>
  );
}

function Mine() {
  const [search, setSearch] = useSearchParams();
  const chosen = useMemo(() => chosenOf(search), [search]);
  const choose = (now: Chosen) => setSearch(searchOf(now), { replace: true });
  const { jobs, broken, ...query } = useJobs(chosen);
  const none = query.isSuccess && jobs.length === 0 && !query.hasNextPage;
  const more =
    query.hasNextPage && !query.isFetchNextPageError ? () => void query.fetchNextPage() : undefined;
  if (none && !isChoice(chosen)) return <NoJobs />;
  return (
    <Container size="md" p={0}>
      <Stack>
        <Group justify="space-between">
          <Title order={1} size="h2">
            Jobs
          </Title>
          <Button component={Link} href="/new">
            New job
          </Button>
        </Group>
        <JobsFilter chosen={chosen} choose={choose} />
        {broken && <Lost />}
        {query.isError && !query.data && (
          <ProblemView error={query.error} retry={() => void query.refetch()} />
        )}
        {query.isPending && (
          <Pending gap={10}>
            <Skeleton height={92} />
            <Skeleton height={92} />
            <Skeleton height={92} />
          </Pending>
        )}
        {none ? (
          <Empty
            title="No job is like that"
            action={
              <Button
                variant="default"
                onClick={() => choose({ state: null, pipeline: null, name: "" })}
              >
                Show all jobs
              </Button>
            }
          >
            Look for another name, state or pipeline.
          </Empty>
        ) : (
          query.data && <JobList jobs={jobs} more={more} loading={query.isFetchingNextPage} />
        )}
        {query.isFetchNextPageError && (
          <ProblemView
            error={query.error}
            title="The rest of the list did not come"
            retry={() => void query.fetchNextPage()}
          />
        )}
      </Stack>
    </Container>
  );
}
