import { Button, Container, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { useLocation } from "wouter";
import { api, data } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { ProblemView } from "../ui/problem-view";
import { counted } from "../ui/words";
import { channelsOf } from "./channels";
import { choose, nextDraft, useDraft } from "./draft";
import { Images } from "./images";
import { useInspectedAll } from "./inspect";
import { jobOf, nameOf, type Plan } from "./job-body";
import { OptionsForm } from "./options-form";
import { OutputsForm } from "./outputs-form";
import { Pipelines } from "./pipelines";
import { rowsOf } from "./rows";
import { imagesIn, lookInto, tried, wantedOf } from "./sample";
import { changed, faultOf, fieldsOf, initialOf, optionOf } from "./schema-form";
import { useSendJob } from "./send-job";
import styles from "./submit.module.css";
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
  const inspected = useInspectedAll(uploader.upload, there, draft.corrections);
  const faulty = new Set(inspected.filter((one) => one.error).map((one) => one.path));

  const pipeline = useQuery({
    queryKey: ["pipeline", draft.pipeline],
    queryFn: () =>
      data(api.GET("/api/v1/pipelines/{name}", { params: { path: { name: draft.pipeline } } })),
    staleTime: 60_000,
  });
  const fields = fieldsOf(pipeline.data?.options);
  const values = { ...initialOf(fields), ...draft.options[draft.pipeline] };
  const options = changed(fields, values);
  const wrong = fields.some((field) => faultOf(field, values[field.name] ?? null) !== "");
  const suggested = nameOf(there);
  const plan: Plan = {
    upload: uploader.upload ?? "",
    pipeline: draft.pipeline,
    name: draft.name.trim() || suggested,
    options,
    outputs: draft.outputs,
    corrections: draft.corrections,
  };
  const signature = JSON.stringify({ ...plan, name: "" });
  const good = there.filter((path) => !faulty.has(path));
  const path = good.includes(wished) ? wished : (good[0] ?? "");
  const images = imagesIn(good, inspected);
  const left = leftOut(totals.failed, faulty.size);

  const submit = async (kind: "try" | "run") => {
    setAsked(true);
    setProblem(null);
    setArmed(false);
    if (wrong || !pipeline.data) return;
    setBusy(kind);
    try {
      if (kind === "try") {
        const known = inspected.find((one) => one.path === path);
        const file = known ?? (await lookInto(plan.upload, path));
        const name = `Try: ${plan.name}`.slice(0, 200);
        const body = jobOf({ ...plan, name }, [tried(file, pipeline.data.movies)]);
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

  const option = problem ? optionOf(fields, problem.message) : "";
  const aboutOutputs = Boolean(problem && /overlay|geojson|ngff|format/i.test(problem.message));
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
        <Section title="Analysis" id="pipelines">
          <Pipelines
            value={draft.pipeline}
            onChange={(name) => {
              setProblem(null);
              setAsked(false);
              choose({ pipeline: name });
            }}
          />
        </Section>
        <Section title="Options">
          {pipeline.isError ? (
            <ProblemView error={pipeline.error} retry={() => void pipeline.refetch()} />
          ) : (
            <OptionsForm
              key={draft.pipeline}
              fields={fields}
              values={values}
              channels={channelsOf(inspected)}
              refused={problem && option ? { option, message: problem.message } : null}
              asked={asked}
              onChange={(changes) => {
                setProblem(null);
                choose(({ options: all }) => ({ options: { ...all, [draft.pipeline]: changes } }));
              }}
            />
          )}
        </Section>
        <Section title="Results">
          <OutputsForm
            value={draft.outputs}
            error={aboutOutputs && !option ? (problem?.message ?? "") : ""}
            onChange={(outputs) => {
              setProblem(null);
              choose({ outputs });
            }}
          />
          <TextInput
            label="Name of the job"
            maxLength={200}
            maw={420}
            placeholder={suggested}
            value={draft.name}
            onChange={(event) => choose({ name: event.currentTarget.value })}
          />
        </Section>
        {there.length > 0 && (
          <TryOne
            paths={good}
            path={path}
            onPath={setWished}
            job={draft.tried?.job ?? null}
            stale={draft.tried !== null && draft.tried.with !== signature}
            images={images}
          />
        )}
        {problem && !option && !aboutOutputs && <ProblemView error={problem} />}
      </Stack>
      <Group className={styles.bar} mt="lg" justify="flex-end" gap="sm">
        <Text
          size="sm"
          c={asked && wrong ? "var(--mantine-color-error)" : "dimmed"}
          role="status"
          className={styles.note}
        >
          {asked && wrong ? "Something in the options is not right yet." : left}
        </Text>
        <Button
          variant="default"
          disabled={good.length === 0 || busy !== null}
          loading={busy === "try"}
          onClick={() => void submit("try")}
        >
          Try on one image first
        </Button>
        <Button
          disabled={totals.files === totals.failed || busy !== null || totals.absent > 0}
          loading={busy === "run"}
          onClick={() => (ready ? void submit("run") : setArmed(!armed))}
          aria-pressed={ready ? undefined : armed}
        >
          {ready
            ? images === null
              ? "Run all"
              : `Run ${images === 1 ? "1 image" : `all ${counted(images, "image")}`}`
            : armed
              ? "Runs when all is uploaded"
              : "Run when all is uploaded"}
        </Button>
      </Group>
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

function Section(props: { title: string; id?: string; children: ReactNode }) {
  return (
    <Stack gap="sm" component="section">
      <Title order={2} size="h3" id={props.id}>
        {props.title}
      </Title>
      {props.children}
    </Stack>
  );
}
