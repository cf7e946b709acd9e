import { Button, PasswordInput, Stack } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { asProblem } from "../api/problem";
import { duration } from "../ui/words";
import type { useSignIn } from "./session";
import { tokenIn } from "./words";

/** A field for a token, as password managers know it, and what is wrong with what was given. */
export function TokenForm(props: {
  signIn: ReturnType<typeof useSignIn>;
  focus?: boolean;
  /** Whether another way to sign in comes first. */
  second?: boolean;
}) {
  const { signIn } = props;
  const [given, give] = useState("");
  const [missing, setMissing] = useState(false);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const token = tokenIn(given);
    setMissing(!token);
    if (token) signIn.mutate(token);
  };
  const wrong = missing ? "Give a token." : signIn.isError ? said(signIn.error) : null;
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        {/* Password managers keep a password for somebody. */}
        <input
          type="text"
          name="username"
          autoComplete="username"
          value="cytomill"
          readOnly
          hidden
        />
        <PasswordInput
          label="Token"
          name="password"
          autoComplete="current-password"
          spellCheck={false}
          value={given}
          onChange={(event) => {
            give(event.currentTarget.value);
            setMissing(false);
            if (!signIn.isPending) signIn.reset();
          }}
          error={wrong}
          errorProps={{ role: "alert" }}
          visibilityToggleButtonProps={{ "aria-label": "Show the token", tabIndex: 0 }}
          data-autofocus={props.focus}
        />
        <Button
          type="submit"
          loading={signIn.isPending}
          variant={props.second ? "default" : "filled"}
        >
          Sign in
        </Button>
      </Stack>
    </form>
  );
}

/** Why a token was not taken, in words for who gave it. */
function said(error: unknown): string {
  const problem = asProblem(error);
  if (problem.status === 401) {
    return "This kiosk does not know the token: it may be mistyped, revoked or expired.";
  }
  if (problem.status === 429) {
    const wait = problem.retryAfter ? ` in ${duration(problem.retryAfter)}` : " in a moment";
    return `There were too many wrong tokens from here. Try again${wait}.`;
  }
  if (problem.status === 422 && problem.code === "option") return "This cannot be a token.";
  return [problem.message, problem.hint].filter(Boolean).join(" ");
}
