import { Title } from "@mantine/core";
import { useTitle } from "../ui/title";

/** The page "Sign in". */
export function SignIn() {
  useTitle("Sign in");
  return <Title order={1}>Sign in</Title>;
}
