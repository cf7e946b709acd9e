import { Container, Stack, Title } from "@mantine/core";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useLocation } from "wouter";
import { asProblem, type Problem } from "../api/problem";
import { counted } from "../ui/words";
import { channelsOf } from "./channels";
import { Choices } from "./choices";
import { choose, nextDraft, useDraft } from "./draft";
import { Images } from "./images";
import { useInspectedAll } from "./inspect";
import { jobOf, nameOf, type Plan } from "./job-body";
import { usePipeline } from "./pipeline";
import { rowsOf } from "./rows";
import { imagesIn, lookInto, tried, wantedOf } from "./sample";
import { Section } from "./section";
import { useSendJob } from "./send-job";
import { SubmitBar } from "./submit-bar";
import { TryOne } from "./try-one";
import { useUploading } from "./uploading";

/** Everything that a job is made of, from its images to the button that runs it. */
export function Making(props: { user: string; wholeBytes: number }) {
  const uploading = useUploading(props.user, props.wholeBytes);
  const draft = useDraft();
  const [, go] = useLocation();
  const send = useSendJob();
  const [asked, setAsked] = useState(false);
  const [busy, setBusy] = useState<"try" | "run" | null>(null);
  const [armed, setArmed] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [wished, setWished] = useState("");

  const { uploader } = uploading;
  const rows = rowsOf(uploader.entries.values(), uploading.refused.values());
  const totals = uploader.totals(Date.now());
  const there = rows.filter((row) => row.stage === "done").map((row) => row.path);
  // While bytes come along the kiosk is asked only about the files that can be seen.
  const ahead = totals.open === 0 ? there : [];
  const inspected = useInspectedAll(uploader.upload, ahead, draft.corrections);
  const channels = useMemo(() => channelsOf(inspected), [inspected]);
  const faulty = new Set(inspected.filter((one) => one.error).map((one) => one.path));
  const good = there.filter((path) => !faulty.has(path));
  const path = good.includes(wished) ? wished : (good[0] ?? "");
  const images = imagesIn(good, inspected);

  const pipeline = usePipeline(draft);
  const { wrong } = pipeline;
  const suggested = nameOf(there);
  const plan: Plan = {
    upload: uploader.upload ?? "",
    pipeline: draft.pipeline,
    name: draft.name.trim() || suggested,
    options: pipeline.options,
    outputs: draft.outputs,
    corrections: draft.corrections,
  };
  const signature = JSON.stringify({ ...plan, name: "" });

  const submit = async (kind: "try" | "run") => {
    setAsked(true);
    setProblem(null);
    setArmed(false);
    if (wrong || !pipeline.found.data) return;
    setBusy(kind);
    try {
      if (kind === "try") {
        const known = inspected.find((one) => one.path === path);
        const file = known ?? (await lookInto(plan.upload, path));
        const name = `Try: ${plan.name}`.slice(0, 200);
        const body = jobOf({ ...plan, name }, [tried(file, pipeline.found.data.movies)]);
        choose({ tried: { job: (await send(body)).id, with: signature } });
        return;
      }
      const job = await send(jobOf(plan, await wantedOf(uploader)));
      uploading.clear();
      nextDraft();
      go(`/jobs/${job.id}`);
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setBusy(null);
    }
  };

  const ready = totals.open === 0 && totals.absent === 0 && totals.done > 0;
  const due = armed && ready;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the last file has arrived
  useEffect(() => {
    if (due) void submit("run");
  }, [due]);

  const touched = useCallback(() => {
    setProblem(null);
    setAsked(false);
  }, []);
  return (
    <Container size="lg" px={0}>
      <Stack gap="xl">
        <Title order={1}>New job</Title>
        <Section title="Images">
          <Images
            uploading={uploading}
            rows={rows}
            totals={totals}
            corrections={draft.corrections}
            faulty={faulty}
          />
        </Section>
        <Choices
          channels={channels}
          problem={problem}
          asked={asked}
          suggested={suggested}
          onTouched={touched}
        />
        {(good.length > 1 || draft.tried) && (
          <Section title="Try on one image">
            <TryOne
              paths={good}
              path={path}
              onPath={setWished}
              job={draft.tried?.job ?? null}
              stale={draft.tried !== null && draft.tried.with !== signature}
              images={images}
            />
          </Section>
        )}
      </Stack>
      <SubmitBar
        note={
          asked && wrong
            ? "Something in the options is not right yet."
            : leftOut(totals.failed, faulty.size)
        }
        alarming={asked && wrong}
        images={images}
        ready={ready}
        armed={armed}
        busy={busy}
        canTry={good.length > 0}
        canRun={totals.files > totals.failed && totals.absent === 0}
        onTry={() => void submit("try")}
        onRun={() => (ready ? void submit("run") : setArmed(!armed))}
      />
    </Container>
  );
}

/** What is told of files that will give no results. */
function leftOut(unsent: number, faulty: number): string {
  const told = [
    unsent > 0 && `${counted(unsent, "file")} could not be sent`,
    faulty > 0 && `${counted(faulty, "file")} cannot be read and will fail`,
  ];
  return told.filter(Boolean).join("; ");
}
