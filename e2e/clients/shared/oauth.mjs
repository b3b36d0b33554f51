// How a program gets a token of an account from the paper broker: the person's part is played here.

const CALLBACK = "http://127.0.0.1:8765/callback";

/** Registers a program, consents as the person whose account it is, and exchanges the code for a token. */
export async function token(broker, account, scope = "account:write trading data") {
  const program = await broker.dashboard("POST", "/oauth/clients", { name: "Tests", redirect_uris: [CALLBACK] });
  const asked = { response_type: "code", client_id: program.client_id, redirect_uri: CALLBACK, scope, state: "any" };
  const page = await (await fetch(`${account.url}/oauth/authorize?${new URLSearchParams(asked)}`)).text();
  const shown = /name="token" value="([^"]+)"/.exec(page);
  if (!shown) throw new Error(page);
  const choice = { ...asked, token: shown[1], paper_account: account.number, decision: "allow" };
  const sent = await fetch(`${account.url}/oauth/authorize`, {
    method: "POST",
    redirect: "manual",
    headers: { Origin: account.url, "Sec-Fetch-Site": "same-origin" },
    body: new URLSearchParams(choice),
  });
  const code = new URL(sent.headers.get("location")).searchParams.get("code");
  const form = { grant_type: "authorization_code", code, redirect_uri: CALLBACK, ...program };
  const answer = await fetch(`${account.url}/oauth/token`, { method: "POST", body: new URLSearchParams(form) });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()).access_token;
}
