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
  static async start() {
    const broker = new Broker();
    await broker.#serve(LOCAL, LOCAL);
    return broker;
  }

  async #serve(paper, live) {
    const listeners = ["--listen", paper, "--live-listen", live, "--hold-open"];
    this.directory ??= mkdtempSync(join(tmpdir(), "paddock-broker-"));
    this.server = new Server(["paper", "serve", "--data-dir", this.directory, ...listeners]);
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

  async #run(words, environment = {}) {
    const options = { env: { ...process.env, ...environment } };
    const { stdout } = await promisify(execFile)(BINARY, ["--data-dir", this.directory, ...words, "--json"], options);
    return stdout.trim() ? JSON.parse(stdout) : {};
  }

  /** Connects an account by the command line. */
  async connect(name, account) {
    const pair = { APCA_API_KEY_ID: account.keyId, APCA_API_SECRET_KEY: account.secret };
    await this.#run(["connection", "add", name, "--environment", account.environment], pair);
    return name;
  }

  /** Issues an access key by the command line. */
  async issue(name, connection, ...scope) {
    const made = await this.cli("key", "create", name, "--connection", connection, ...scope);
    return { name, keyId: made.key_id, secret: made.secret_key };
  }

  /** Time goes by for whoever is signed in: they proved who they are so many minutes ago. Nobody waits that long in a test. */
  async lastProof(minutes) {
    const program = [
      "import sqlite3, sys, time",
      "store = sqlite3.connect(sys.argv[1], timeout=10)",
      "store.execute('UPDATE sessions SET factor_at = ?', [int((time.time() - 60 * float(sys.argv[2])) * 1e6)])",
      "store.commit()",
    ];
    await promisify(execFile)(PYTHON, ["-c", program.join("\n"), join(this.directory, "paddock.db"), String(minutes)]);
  }

  async stop() {
    await this.server.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
