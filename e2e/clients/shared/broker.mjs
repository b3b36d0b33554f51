// The paper broker as the tests of JavaScript clients run it: `paddock paper serve` on free ports, its accounts and its record.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const BINARY = process.env.PADDOCK_BIN ?? fileURLToPath(new URL("../../../target/debug/paddock", import.meta.url));

/** Starts a broker with these options of `paddock paper serve`. */
export async function startBroker(...options) {
  const directory = mkdtempSync(join(tmpdir(), "paddock-clients-"));
  const record = join(directory, "exchanges.jsonl");
  writeFileSync(record, "");
  const listeners = ["--listen", "127.0.0.1:0", "--live-listen", "127.0.0.1:0"];
  const words = ["paper", "serve", ...listeners, "--record-exchanges", record, "--json", ...options];
  const server = spawn(BINARY, words, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(server, "exit");
  let printed = "";
  for await (const text of server.stdout.iterator({ destroyOnReturn: false })) {
    printed += text;
    if (printed.endsWith("}\n")) break;
  }
  server.stdout.resume();
  return new Broker(JSON.parse(printed), record, async () => {
    server.kill("SIGTERM");
    const [code] = await ended;
    // Where the whole run's exchanges are gathered, for the schema suite.
    const gathered = process.env.PADDOCK_RECORD_EXCHANGES;
    if (gathered) appendFileSync(gathered, readFileSync(record));
    rmSync(directory, { recursive: true, force: true });
    return code;
  });
}

class Broker {
  /** @param urls the addresses of its environments, `paper` and `live` */
  constructor(urls, record, stop) {
    this.urls = urls;
    this.record = record;
    this.stop = stop;
  }

  /** One request to the key dashboard. */
  async dashboard(method, path, content = {}) {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(`${this.urls.paper}/dashboard/v1${path}`, { method, headers, body: JSON.stringify(content) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  }

  /** A new account: its number, its pair and the address of its environment. */
  async account(environment = "paper", cash = "100000") {
    const made = await this.dashboard("POST", "/accounts", { environment, cash });
    return { number: made.account_number, keyId: made.key_id, secret: made.secret_key, url: this.urls[environment] };
  }

  /** The account with a new pair; the old one is dead. */
  async regenerate(account) {
    const made = await this.dashboard("POST", `/accounts/${account.number}/keys`);
    return { ...account, keyId: made.key_id, secret: made.secret_key };
  }

  /** Moves a stepped clock. */
  step(seconds) {
    return this.dashboard("POST", "/clock/step", { seconds });
  }
}

/** The address of a stream. */
export const webSocket = (url, path) => url.replace("http", "ws") + path;
