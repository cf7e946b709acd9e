import { Title } from "@mantine/core";
import { useTitle } from "../ui/title";

/** The page "New job". */
export function NewJob() {
  useTitle("New job");
  return <Title order={1}>New job</Title>;
}
