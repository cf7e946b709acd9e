import { Title } from "@mantine/core";
import { useTitle } from "../ui/title";

/** The page "Job". */
export function JobPage(props: { id: string }) {
  useTitle("Job");
  return <Title order={1}>Job {props.id}</Title>;
}
