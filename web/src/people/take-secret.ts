import { tokenIn } from "./words";

let taken = "";

/**
 * The secret in the address, which is taken out of it: neither the history nor a picture of the
 * window shows it then.
 */
export function takeSecret(): string {
  const found = tokenIn(decoded(window.location.hash.slice(1)));
  if (found) {
    taken = found;
    window.history.replaceState(window.history.state, "", window.location.pathname);
  }
  return taken;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
