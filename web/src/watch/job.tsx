import { Button, Container, Skeleton, Stack, Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { isOver, type Line } from "../api/events";
import { asProblem } from "../api/problem";
import { type Job, useMe } from "../api/queries";
import { Empty } from "../ui/empty";
import { Pending } from "../ui/pending";
import { ProblemView } from "../ui/problem-view";
import { useTitle } from "../ui/title";
import { AboutJob } from "./about-job";
import { Follow } from "./follow";
import { Home } from "./home/home";
import { Images } from "./images/images";
import { JobHead } from "./job-head";
import { Lost } from "./lost";
import { Now } from "./now";
import { title } from "./states";
import { jobQuery } from "./use-job";

/**
 * Milliseconds between two looks where the events do not come, in case they say nothing, and for a
 * job that waits: what it waits for changes without an event.
 */
const LOOK = { broken: 3000, waits: 3000, open: 30_000 };

/** A job: how far it is, its images, and what there is to take home. */
export function JobPage(props: { id: string }) {
  const { id } = props;
  const [line, setLine] = useState<Line>("opening");
  const query = useQuery({
    ...jobQuery(id),
    refetchInterval: ({ state }) => {
      if (!state.data || isOver(state.data)) return false;
      if (line === "broken") return LOOK.broken;
      return state.data.waits ? LOOK.waits : LOOK.open;
    },
  });
  const job = query.data;
  // A line that is dead says nothing: then it is the looks that do not come through.
  const cut = query.fetchStatus === "paused" || asProblem(query.failureReason).passing;
  useTitle(job ? title(job) : "Job");
  if (query.isError && asProblem(query.error).status === 404) return <Gone />;
  if (query.isError && !job) {
    return <ProblemView error={query.error} retry={() => void query.refetch()} />;
  }
  if (!job) return <Coming />;
  if (job.state === "deleting") return <Gone />;
  return (
    <>
      {!isOver(job) && <Follow id={id} told={setLine} />}
      <Shown job={job} broken={!isOver(job) && (line === "broken" || cut)} />
    </>
  );
}

function Shown(props: { job: Job; broken: boolean }) {
  const { job } = props;
  const me = useMe().data;
  const [, go] = useLocation();
  const [search, setSearch] = useSearchParams();
  const tab = ["home", "about"].find((one) => one === search.get("show")) ?? "images";
  const show = (now: string | null) => {
    setSearch(now && now !== "images" ? { show: now } : {}, { replace: true });
  };
  const mayWrite = Boolean(me?.scopes.includes("write") && !me.job);
  return (
    <Container size="lg" p={0}>
      <Stack>
        <JobHead
          job={job}
          mayWrite={mayWrite}
          takeHome={tab === "home" ? undefined : () => show("home")}
          deleted={() => go("/")}
        />
        {props.broken && <Lost />}
        <Now job={job} />
        <Tabs value={tab} onChange={show} keepMounted={false}>
          <Tabs.List mb="md">
            <Tabs.Tab value="images">Images</Tabs.Tab>
            <Tabs.Tab value="home">Take home</Tabs.Tab>
            <Tabs.Tab value="about">About</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="images">
            <Images job={job} />
          </Tabs.Panel>
          <Tabs.Panel value="home">
            <Home job={job} mayShare={mayWrite} />
          </Tabs.Panel>
          <Tabs.Panel value="about">
            <AboutJob job={job} />
          </Tabs.Panel>
        </Tabs>
      </Stack>
    </Container>
  );
}

function Gone() {
  return (
    <Empty
      title="This job is not there"
      action={
        <Button component={Link} href="/" variant="default">
          To your jobs
        </Button>
      }
    >
      It was deleted, it has expired, or it is somebody else’s.
    </Empty>
  );
}

function Coming() {
  return (
    <Container size="lg" p={0}>
      <Pending>
        <Skeleton height={34} width="50%" />
        <Skeleton height={150} />
        <Skeleton height={36} />
        <Skeleton height={300} />
      </Pending>
    </Container>
  );
}
