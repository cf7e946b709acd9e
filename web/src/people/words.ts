/** What is read out of what people paste, and out of addresses. */

/** The token or secret in a text: alone, in a header, in a link that was shared, or as it is. */
export function tokenIn(text: string): string {
  const found = /\b(?:cm|cyts)_[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])/.exec(text);
  return found ? found[0] : text.trim().replace(/^(?:Authorization:\s*)?Bearer\s+/i, "");
}

/** Where one signs in for another tab, which waits. */
export const AGAIN = "/sign-in?again";

/** The place on this page to go to after signing in; an address of elsewhere is none. */
export function placeIn(search: string): string {
  const place = new URLSearchParams(search).get("to") ?? "/";
  const own =
    /^\/(?![/\\])[\x21-\x7e]*$/.test(place) && !/^\/(sign-in|shared)(?![^/?])/.test(place);
  return own ? place : "/";
}

/** What a provider of sign-in is called: its host. */
export function hostOf(issuer: string): string {
  try {
    return new URL(issuer).host;
  } catch {
    return issuer;
  }
}

/** Whether what is sent to `place` could be read on the way. */
export function isOpen(place: { protocol: string; hostname: string }): boolean {
  const own = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|.*\.localhost)$/.test(place.hostname);
  return place.protocol !== "https:" && !own;
}

/** What a scope of a token allows. */
export const SCOPES: Record<string, string> = {
  read: "See and fetch jobs and results",
  write: "Upload, submit, change and delete",
  admin: "See everybody's, and how the kiosk does",
  metrics: "Read the numbers for Prometheus",
};
