import { Title } from "@mantine/core";
import { useTitle } from "../ui/title";

/** The page "Tokens". */
export function Tokens() {
  useTitle("Tokens");
  return <Title order={1}>Tokens</Title>;
}
