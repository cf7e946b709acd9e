import { Title } from "@mantine/core";
import { useTitle } from "../ui/title";

/** The page "Shared job". */
export function Shared() {
  useTitle("Shared job");
  return <Title order={1}>Shared job</Title>;
}
