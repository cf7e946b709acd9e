import { InMemoryWebStorage, UserManager, WebStorageStateStore } from "oidc-client-ts";
import type { Schema } from "../api/client";

/** Where people of the kiosk's provider sign in. */
export type Provider = Schema<"ProviderAnswer">;

/** Leads to the provider, which leads back to `/sign-in/back`, and from there to `place`. */
export async function leave(provider: Provider, place: string): Promise<void> {
  await manager(provider).signinRedirect({ state: { place } });
}

/** The token with which the provider has led back, and where to go on. */
export async function comeBack(provider: Provider): Promise<{ token: string; place: string }> {
  const user = await manager(provider).signinRedirectCallback();
  if (!user.id_token) throw new Error("the provider sent no ID token");
  const state = user.state as { place?: unknown } | undefined;
  return { token: user.id_token, place: typeof state?.place === "string" ? state.place : "/" };
}

/** Authorization code with PKCE; what the provider gives is kept nowhere but in memory. */
function manager(provider: Provider): UserManager {
  return new UserManager({
    authority: provider.issuer,
    client_id: provider.client_id,
    redirect_uri: `${window.location.origin}/sign-in/back`,
    response_type: "code",
    scope: provider.scopes.join(" "),
    loadUserInfo: false,
    automaticSilentRenew: false,
    userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
    stateStore: new WebStorageStateStore({ store: window.sessionStorage }),
  });
}
