// The bot of bot.py, told what to do.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export const PYTHON = process.env.PADDOCK_TEST_PYTHON ?? fileURLToPath(new URL("../../.tools/venv/bin/python", import.meta.url));
const PROGRAM = fileURLToPath(new URL("bot.py", import.meta.url));

/** A running program with alpaca-py and one access key. It does one thing after the other. */
export class Bot {
  #waiting = [];

  constructor(paddock, key) {
    const settings = { APCA_API_BASE_URL: paddock.gateway, APCA_API_KEY_ID: key.keyId, APCA_API_SECRET_KEY: key.secret };
    this.child = spawn(PYTHON, [PROGRAM], { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, ...settings } });
    createInterface({ input: this.child.stdout }).on("line", (line) => this.#waiting.shift()?.resolve(JSON.parse(line)));
    this.ended = new Promise((resolve) => this.child.once("exit", resolve));
    this.ended.then((code) => this.#waiting.splice(0).forEach(({ reject }) => reject(new Error(`the bot ended with ${code}`))));
  }

  #do(deed, details = {}) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.child.stdin.write(`${JSON.stringify({ do: deed, ...details })}\n`);
    });
  }

  account() {
    return this.#do("account");
  }

  /** Buys at the market, or at `limit`. Resolves to the order, or to why it was refused. */
  buy(symbol, qty, limit = null) {
    return this.#do("order", { symbol, qty, side: "buy", limit });
  }

  cancelAll() {
    return this.#do("cancel_all");
  }

  async stop() {
    this.child.stdin.end();
    await this.ended;
  }
}
