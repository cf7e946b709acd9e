import { Alert, Text } from "@mantine/core";
import { useEffect, useRef, useState } from "react";
import { count, duration, measured } from "../ui/words";
import { busy, type Look, looked, modelKey } from "./busy";
import { Grid } from "./grid";
import { type Server, useScaling, useServers } from "./queries";
import { Section } from "./section";
import { most } from "./workers";

/** The model servers, the models that they hold in memory, and how busy these are. */
export function ModelsTable() {
  const servers = useServers();
  const come = most(useScaling().data, "model-server");
  const looks = useLooks(servers.data, servers.dataUpdatedAt);
  return (
    <Section title="Model servers" asked={servers}>
      {(found) =>
        found.length === 0 ? (
          <Text size="sm" c="dimmed">
            {come === undefined
              ? "There is none: consumers run the models themselves."
              : "None runs now: one is started as soon as there is work."}
          </Text>
        ) : (
          found.map((one) => <OneServer key={one.address} server={one} looks={looks} />)
        )
      }
    </Section>
  );
}

type Looks = { before: Look | undefined; now: Look } | undefined;

/** The last two looks at what the networks had done. */
function useLooks(servers: readonly Server[] | undefined, at: number): Looks {
  const last = useRef<Look>(undefined);
  const [looks, setLooks] = useState<Looks>();
  useEffect(() => {
    if (!servers) return;
    const now = looked(servers, at);
    setLooks({ before: last.current, now });
    last.current = now;
  }, [servers, at]);
  return looks;
}

function OneServer(props: { server: Server; looks: Looks }) {
  const { server, looks } = props;
  const used = (name: string, version: string) =>
    looks && busy(looks.before, looks.now, modelKey(server.address, name, version));
  return (
    <>
      <Text size="sm">
        {server.address}: {server.ready ? "ready" : "not ready"}
      </Text>
      {server.fault ? (
        <Alert color="red" variant="light" role="alert" title="It does not answer">
          <Text size="sm">{server.fault}</Text>
        </Alert>
      ) : (
        <Grid
          label={`Models of ${server.address}`}
          rows={server.models}
          keyOf={(one) => `${one.name} ${one.version}`}
          empty="It has no models."
          columns={[
            { head: "Model", cell: (one) => one.name },
            { head: "Version", cell: (one) => one.version || "–" },
            { head: "State", cell: (one) => stateWord(one.state, one.reason) },
            { head: "Requests", number: true, cell: (one) => count(one.requests) },
            { head: "Failures", number: true, cell: (one) => count(one.failures) },
            {
              head: "Busy",
              number: true,
              cell: (one) => percent(used(one.name, one.version)),
            },
            { head: "Ran for", number: true, cell: (one) => duration(one.seconds) },
          ]}
        />
      )}
    </>
  );
}

function stateWord(state: string, reason: string): string {
  if (state === "READY") return "in memory";
  const word = state ? state.toLowerCase() : "on the disk";
  return reason ? `${word}: ${reason}` : word;
}

function percent(share: number | undefined): string {
  return share === undefined ? "–" : `${measured(Math.round(share * 100))} %`;
}
