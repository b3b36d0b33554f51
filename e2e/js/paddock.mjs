// Paddock as the tests run it: one `paddock demo` in a directory of its own, its command line, and Alpaca's SDK pointed at it.

import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { Alpaca } from "@alpacahq/alpaca-trade-api";

const BINARY = process.env.PADDOCK_BIN ?? fileURLToPath(new URL("../../target/debug/paddock", import.meta.url));
const START_MS = 60_000;

// The SDK's pacing keeps a timer of a minute going after its last request. A test run need not wait for it.
const setTimer = globalThis.setTimeout;
globalThis.setTimeout = (act, ms, ...rest) => (ms >= 30_000 ? setTimer(act, ms, ...rest).unref() : setTimer(act, ms, ...rest));

const ALPACA_HOSTS = /^https:\/\/(paper-api|api|data)\.alpaca\.markets(?=\/)/;

/** Starts `paddock demo` on free ports; its market is open around the clock. */
export async function startPaddock() {
  const directory = mkdtempSync(join(tmpdir(), "paddock-e2e-"));
  const listeners = ["web", "gateway", "paper", "paper-live"].flatMap((name) => [`--${name}`, "127.0.0.1:0"]);
  const server = spawn(BINARY, ["demo", "--data-dir", directory, ...listeners], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => server.once("exit", (code) => resolve(code)));
  const stop = async () => {
    server.kill("SIGTERM");
    const code = await ended;
    rmSync(directory, { recursive: true, force: true });
    return code;
  };
  try {
    await ready(server, join(directory, "demo.json"));
  } catch (error) {
    await stop();
    throw error;
  }
  const facts = JSON.parse(readFileSync(join(directory, "demo.json"), "utf8"));
  return new Paddock(directory, facts, stop);
}

/** demo.json is written in one step when everything is up; each line of output is a reason to look for it. */
function ready(server, file) {
  const output = [];
  return new Promise((resolve, reject) => {
    const fail = (why) => settle(() => reject(new Error(`paddock demo ${why}; it said:\n${output.join("\n")}`)));
    const look = () => existsSync(file) && settle(resolve);
    const timer = setTimeout(() => fail("did not come up in time"), START_MS);
    const interval = setInterval(look, 200);
    const settle = (act) => {
      clearTimeout(timer);
      clearInterval(interval);
      act();
    };
    for (const stream of [server.stdout, server.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        output.push(line);
        look();
      });
    }
    server.once("error", (error) => fail(error.message));
    server.once("exit", (code) => fail(`ended with ${code}`));
  });
}

class Paddock {
  #keys = 0;

  constructor(directory, facts, stop) {
    this.directory = directory;
    this.facts = facts;
    this.gateway = facts.gateway;
    this.stop = stop;
  }

  /** Runs `paddock ... --json` on this instance's data directory and returns what it printed. */
  async cli(...words) {
    const { stdout } = await promisify(execFile)(BINARY, ["--data-dir", this.directory, ...words, "--json"]);
    return stdout.trim() ? JSON.parse(stdout) : {};
  }

  /** Issues an access key of that scope and returns it with its name. */
  async createKey(...scope) {
    this.#keys += 1;
    const name = `js-${this.#keys}`;
    const created = await this.cli("key", "create", name, "--connection", "demo", ...scope);
    return { name, keyId: created.key_id, secret: created.secret_key };
  }

  /** Alpaca's client for a new access key of that scope. */
  async client(...scope) {
    return this.clientOf(await this.createKey(...scope));
  }

  /**
   * Alpaca's client as its users make it. It has no setting for the address, so `fetchApi` puts the gateway's in. Alpaca
   * gives crypto data to everybody and the client sends no key for it; the gateway wants to know who asks.
   */
  clientOf({ name, ...credentials }) {
    const pair = { "APCA-API-KEY-ID": credentials.keyId, "APCA-API-SECRET-KEY": credentials.secret };
    const fetchApi = (url, init) => {
      const known = new Headers(init.headers);
      const headers = known.has("authorization") || known.has("apca-api-key-id") ? init.headers : { ...init.headers, ...pair };
      return fetch(String(url).replace(ALPACA_HOSTS, this.gateway), { ...init, headers });
    };
    return Object.assign(new Alpaca({ ...credentials, fetchApi }), { keyName: name });
  }
}
