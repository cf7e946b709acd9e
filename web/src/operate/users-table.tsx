import { Anchor } from "@mantine/core";
import { Link } from "wouter";
import { bytes, count, duration, when } from "../ui/words";
import { Grid } from "./grid";
import { useStorage, useUsers } from "./queries";
import { Section } from "./section";
import { money } from "./spent";

/** Who uses the kiosk, and how much of what they may. */
export function UsersTable() {
  return (
    <Section title="Users" about="Images and time of the newest 2,000 jobs." asked={useUsers()}>
      {(users) => (
        <Grid
          label="Users"
          rows={users}
          keyOf={(one) => one.user}
          empty="Nobody has a token yet."
          columns={[
            { head: "User", cell: (one) => one.user },
            {
              head: "Jobs at work",
              number: true,
              cell: (one) => `${count(one.active)} of ${count(one.most_jobs)}`,
            },
            { head: "Jobs", number: true, cell: (one) => count(one.jobs) },
            { head: "Images", number: true, cell: (one) => count(one.items) },
            { head: "Time", number: true, cell: (one) => duration(one.seconds) },
            { head: "Cost", number: true, cell: (one) => money([one.cost]) ?? "–" },
            {
              head: "Uploads",
              number: true,
              cell: (one) => `${bytes(one.upload_bytes)} of ${bytes(one.most_upload_bytes)}`,
            },
            {
              head: "Tokens",
              number: true,
              cell: (one) => (
                <Anchor component={Link} href="/tokens" size="sm">
                  {count(one.tokens)}
                </Anchor>
              ),
            },
            { head: "Last here", cell: (one) => (one.last ? when(one.last) : "never") },
          ]}
        />
      )}
    </Section>
  );
}

/** What the bucket holds. */
export function StorageTable() {
  return (
    <Section title="Storage" asked={useStorage()}>
      {(storage) => (
        <Grid
          label="Storage"
          rows={[
            { name: "Uploads", size: storage.uploads },
            { name: "Results", size: storage.results },
            { name: "Free", size: storage.free },
          ]}
          keyOf={(one) => one.name}
          empty=""
          columns={[
            { head: "What", cell: (one) => one.name },
            {
              head: "Size",
              number: true,
              cell: (one) => (one.size === null ? "not known" : bytes(one.size)),
            },
          ]}
        />
      )}
    </Section>
  );
}
