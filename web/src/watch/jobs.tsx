import { Title } from "@mantine/core";
import { useTitle } from "../ui/title";

/** The page "Jobs". */
export function Jobs() {
  useTitle("Jobs");
  return <Title order={1}>Jobs</Title>;
}
