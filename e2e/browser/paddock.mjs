// Paddock as a person runs it: `paddock serve` on a new data directory, with `paddock paper serve` in the place of Alpaca.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PYTHON } from "./bot.mjs";

export const BINARY = process.env.PADDOCK_BIN ?? fileURLToPath(new URL("../../target/debug/paddock", import.meta.url));
const START_MS = 60_000;
const LOCAL = "127.0.0.1:0";

/** A server that prints one JSON document when it is up. */
class Server {
  constructor(words, environment = {}) {
    this.said = [];
    this.child = spawn(BINARY, [...words, "--json"], { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment } });
    this.ended = new Promise((resolve) => this.child.once("exit", (code) => resolve(code)));
    createInterface({ input: this.child.stderr }).on("line", (line) => this.said.push(line));
    this.up = this.#facts();
  }

  #facts() {
    return new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`paddock ${why}; it said:\n${this.said.join("\n")}`));
      const timer = setTimeout(() => fail("did not come up in time"), START_MS).unref();
      let printed = "";
      createInterface({ input: this.child.stdout }).on("line", (line) => {
        printed += `${line}\n`;
        if (line !== "}") return;
        clearTimeout(timer);
        resolve(JSON.parse(printed));
      });
      this.child.once("error", (error) => fail(error.message));
      this.ended.then((code) => fail(`ended with ${code}`));
    });
  }

  /** Ends it as a service manager would. */
  async stop() {
    this.child.kill("SIGTERM");
    assert.equal(await this.ended, 0, `paddock did not end cleanly; it said:\n${this.said.join("\n")}`);
  }
}

/** The paper broker: what Paddock takes for Alpaca here. */
export class Broker {
  /** Its time begins at `since`, an instant, or now. */
  static async start(since) {
    const broker = new Broker();
    await broker.#serve(LOCAL, LOCAL, since ? ["--start", since] : []);
    return broker;
  }

  async #serve(paper, live, more = []) {
    const listeners = ["--listen", paper, "--live-listen", live, "--hold-open"];
    this.directory ??= mkdtempSync(join(tmpdir(), "paddock-broker-"));
    this.server = new Server(["paper", "serve", "--data-dir", this.directory, ...listeners, ...more]);
    const facts = await this.server.up;
    this.paper = facts.paper;
    this.live = facts.live;
  }

  /** What Paddock has to be told. */
  get environment() {
    return {
      PADDOCK_ALPACA_PAPER_URL: this.paper,
      PADDOCK_ALPACA_LIVE_URL: this.live,
      PADDOCK_ALPACA_DATA_URL: this.paper,
      PADDOCK_ALPACA_STREAM_URL: this.paper.replace("http", "ws"),
    };
  }

  async #dashboard(method, path, content) {
    const answer = await fetch(`${this.paper}/dashboard/v1${path}`, {
      method,
      headers: { "content-type": "application/json" },
      body: content && JSON.stringify(content),
    });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
    return answer.status === 204 ? {} : answer.json();
  }

  /** Opens an account and returns its number and pair. */
  async account(environment = "paper") {
    const made = await this.#dashboard("POST", "/accounts", { environment, cash: "100000" });
    return { number: made.account_number, keyId: made.key_id, secret: made.secret_key, environment };
  }

  /** Lets the broker's time pass until an instant. */
  async until(instant) {
    await this.#dashboard("POST", "/clock/jump", { to: instant });
  }

  /** An order that somebody places with the account's own pair, past Paddock. */
  async order(account, symbol, qty, side = "buy") {
    const answer = await fetch(`${this.paper}/v2/orders`, {
      method: "POST",
      headers: { "content-type": "application/json", "apca-api-key-id": account.keyId, "apca-api-secret-key": account.secret },
      body: JSON.stringify({ symbol, qty: String(qty), side, type: "market", time_in_force: "day" }),
    });
    assert.ok(answer.ok, `${side} ${qty} ${symbol}: ${answer.status} ${await answer.text()}`);
  }

  /** Makes an account's pair anew, which ends the one before it. */
  async regenerate(account) {
    const made = await this.#dashboard("POST", `/accounts/${account.number}/keys`, {});
    return { ...account, keyId: made.key_id, secret: made.secret_key };
  }

  /** Takes an account's pair away, as its owner may at Alpaca. */
  async revoke(account) {
    await this.#dashboard("DELETE", `/accounts/${account.number}/keys`);
  }

  /** Registers a program that asks for access by OAuth and has people come back to that address. */
  async register(name, back) {
    return this.#dashboard("POST", "/oauth/clients", { name, redirect_uris: [back] });
  }

  /** Takes everything back that was granted by OAuth. */
  async revokeGrants() {
    for (const { id } of (await this.#dashboard("GET", "/oauth/grants")).grants) await this.#dashboard("DELETE", `/oauth/grants/${id}`);
  }

  /** Alpaca cannot be reached. */
  async goDown() {
    await this.server.stop();
  }

  /** Alpaca is there again, at the same addresses and with the same accounts. */
  async comeBack() {
    const address = (url) => url.replace("http://", "");
    await this.#serve(address(this.paper), address(this.live));
  }

  async stop() {
    if (this.server.child.exitCode === null) await this.server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Paddock itself. */
export class Paddock {
  /** `files` are put into its data directory before it starts, each its owner's alone. */
  static async start(broker, { web = LOCAL, files = {} } = {}) {
    const paddock = new Paddock();
    paddock.directory = mkdtempSync(join(tmpdir(), "paddock-browser-"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(paddock.directory, name), text, { mode: 0o600 });
    const words = ["serve", "--data-dir", paddock.directory, "--web", web, "--gateway", LOCAL];
    paddock.server = new Server(words, broker.environment);
    paddock.facts = await paddock.server.up;
    paddock.web = paddock.facts.web;
    paddock.gateway = paddock.facts.gateway;
    /** The link that makes the first owner. */
    paddock.setUp = paddock.facts.set_up;
    return paddock;
  }

  /** Runs `paddock ... --json` on this instance's data directory and returns what it printed. */
  async cli(...words) {
    return this.#run(words);
  }

  async #run(words, environment = {}, input = "") {
    const options = { env: { ...process.env, ...environment } };
    const running = promisify(execFile)(BINARY, ["--data-dir", this.directory, ...words, "--json"], options);
    running.child.stdin.end(input);
    const { stdout } = await running;
    return stdout.trim() ? JSON.parse(stdout) : {};
  }

  /** Connects an account by the command line. */
  async connect(name, account) {
    const pair = { APCA_API_KEY_ID: account.keyId, APCA_API_SECRET_KEY: account.secret };
    await this.#run(["connection", "add", name, "--environment", account.environment], pair);
    return name;
  }

  /** Hands over the new pair of a connection that is being rotated. */
  async paste(name, { keyId, secret }) {
    return this.#run(["rotation", "paste", name, "--secret-stdin"], {}, `${keyId}\n${secret}\n`);
  }

  /** Issues an access key by the command line. */
  async issue(name, connection, ...scope) {
    const made = await this.cli("key", "create", name, "--connection", connection, ...scope);
    return { name, keyId: made.key_id, secret: made.secret_key };
  }

  /** Time goes by for whoever is signed in: they proved who they are so many minutes ago. Nobody waits that long in a test. */
  async lastProof(minutes) {
    await this.#write("UPDATE sessions SET factor_at = ?", [[Math.floor((Date.now() - 60_000 * minutes) * 1000)]]);
  }

  /** An access key has been in use for a while: on each day `[day, reads, orders, { reason: refused }]`. */
  async pastUse(name, days) {
    const key = "(SELECT id FROM access_keys WHERE name = ?)";
    const refused = (reasons) => Object.values(reasons).reduce((sum, count) => sum + count, 0);
    await this.#write(
      `INSERT INTO key_use (access_key_id, day, requests, reads, orders, failed, busiest_minute) VALUES (${key}, ?, ?, ?, ?, 0, 9)`,
      days.map(([day, reads, orders, reasons]) => [name, day, reads + orders + refused(reasons), reads, orders]),
    );
    await this.#write(
      `INSERT INTO key_refusals (access_key_id, day, reason, requests) VALUES (${key}, ?, ?, ?)`,
      days.flatMap(([day, , , reasons]) => Object.entries(reasons).map(([reason, count]) => [name, day, reason, count])),
    );
  }

  /** Writes into the store what nobody waits for in a test. */
  async #write(statement, rows) {
    const program = [
      "import json, sqlite3, sys",
      "store = sqlite3.connect(sys.argv[1], timeout=10)",
      "store.executemany(sys.argv[2], json.loads(sys.argv[3]))",
      "store.commit()",
    ];
    await promisify(execFile)(PYTHON, ["-c", program.join("\n"), join(this.directory, "paddock.db"), statement, JSON.stringify(rows)]);
  }

  async stop() {
    await this.server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
