import { Title } from "@mantine/core";
import { useTitle } from "../ui/title";

/** The page "Operate". */
export function Operate() {
  useTitle("Operate");
  return <Title order={1}>Operate</Title>;
}
