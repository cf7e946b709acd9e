import { TextInput } from "@mantine/core";
import { memo } from "react";
import type { Problem } from "../api/problem";
import { ProblemView } from "../ui/problem-view";
import { choose, useDraft } from "./draft";
import type { Channel } from "./option-field";
import { OptionsForm } from "./options-form";
import { OutputsForm } from "./outputs-form";
import { usePipeline } from "./pipeline";
import { Pipelines } from "./pipelines";
import { optionOf } from "./schema-form";
import { Section } from "./section";

/**
 * What is done with the images: pipeline, options, results. It is not drawn again while bytes come
 * along.
 */
export const Choices = memo(function Choices(props: {
  channels: Channel[];
  /** What the kiosk refused; told where it belongs. */
  problem: Problem | null;
  /** Whether empty fields that are needed are told. */
  asked: boolean;
  /** What the job is called where the user gives no name. */
  suggested: string;
  /** Something was changed: what was refused before may be right now. */
  onTouched: () => void;
}) {
  const { problem, onTouched } = props;
  const draft = useDraft();
  const { found, fields, values } = usePipeline(draft);
  const option = problem ? optionOf(fields, problem.message) : "";
  return (
    <>
      <Section title="Analysis" id="pipelines">
        <Pipelines
          value={draft.pipeline}
          onChange={(name) => {
            onTouched();
            choose({ pipeline: name });
          }}
        />
      </Section>
      <Section title="Options">
        {found.isError ? (
          <ProblemView error={found.error} retry={() => void found.refetch()} />
        ) : (
          <OptionsForm
            key={draft.pipeline}
            fields={fields}
            values={values}
            loading={found.isPending}
            channels={props.channels}
            refused={problem && option ? { option, message: problem.message } : null}
            asked={props.asked}
            onChange={(changes) => {
              onTouched();
              choose(({ options }) => ({ options: { ...options, [draft.pipeline]: changes } }));
            }}
          />
        )}
      </Section>
      <Section title="Results">
        <OutputsForm
          value={draft.outputs}
          onChange={(outputs) => {
            onTouched();
            choose({ outputs });
          }}
        />
        <TextInput
          label="Name of the job"
          maxLength={200}
          maw={420}
          placeholder={props.suggested}
          value={draft.name}
          onChange={(event) => choose({ name: event.currentTarget.value })}
        />
      </Section>
      {problem && !option && <ProblemView error={problem} />}
    </>
  );
});
