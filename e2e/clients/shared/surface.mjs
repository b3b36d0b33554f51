// What a client was seen to do: which of its public methods were called, which operations they reached, and how that ended.
// surface.py is the same for Python. A client is wrapped; nothing inside it is changed.

import { closeSync, mkdirSync, openSync, readSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

export class Surface {
  #record;
  #read = 0;
  called = new Set();
  operations = {};
  streams = {};

  constructor(client, record) {
    this.client = client;
    this.#record = record;
  }

  /** The client, watched. Its methods are known as `name.method`, those of the objects in it as `name.object.method`. */
  wrap(target, name, { requests = true, within = () => false } = {}) {
    return new Proxy(target, {
      get: (_, property) => {
        const value = target[property];
        if (typeof property === "symbol") return value;
        const path = `${name}.${property}`;
        if (typeof value === "object" && value !== null && within(path)) return this.wrap(value, path, { requests, within });
        if (typeof value !== "function") return value;
        return (...words) => {
          this.called.add(path);
          return requests ? this.#calling(() => value.apply(target, words)) : value.apply(target, words);
        };
      },
    });
  }

  /** One call; what the broker records meanwhile is its doing. The tests make one call at a time. */
  async #calling(act) {
    this.#newExchanges();
    let returned = false;
    try {
      let result = await act();
      // A generator asks when it is read.
      if (result?.[Symbol.asyncIterator]) result = await collected(result);
      returned = true;
      return result;
    } finally {
      for (const exchange of this.#newExchanges()) this.#keep(exchange, returned);
    }
  }

  #newExchanges() {
    const file = openSync(this.#record, "r");
    const parts = [];
    const part = Buffer.alloc(1 << 20);
    for (let at = this.#read, length; (length = readSync(file, part, 0, part.length, at)) > 0; at += length) {
      parts.push(Buffer.from(part.subarray(0, length)));
    }
    closeSync(file);
    const bytes = Buffer.concat(parts);
    const whole = bytes.subarray(0, bytes.lastIndexOf("\n") + 1);
    this.#read += whole.length;
    return whole.toString().split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  #keep({ operation, method, target, status, response }, returned) {
    const path = target.split("?")[0];
    if (path.startsWith("/dashboard/") || status < 200) return;
    const name = operation ?? `${method} ${path}`;
    // Nobody may take an answer that the client could not read for a good one.
    const seen = status < 300 ? { status, read: returned } : { status, code: code(response) };
    const before = this.operations[name];
    if (!before || rank(seen) > rank(before)) this.operations[name] = seen;
  }

  /** The client makes nothing of the answer to that operation, though it does not complain. */
  cannotRead(operation) {
    this.operations[operation].read = false;
  }

  /** A message of that channel came to the handler that the client was given for it. */
  heard(channel, outcome = "ok") {
    this.streams[channel] = outcome;
  }

  /** Those of these methods that were neither called nor excused. */
  missing(methods, excused) {
    return methods.filter((method) => !this.called.has(method) && !excused(method)).sort();
  }

  /** Keeps what was seen, if somebody asked for it. */
  write(file = process.env.PADDOCK_CLIENT_REPORT) {
    if (!file) return;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify({ client: this.client, operations: this.operations, streams: this.streams }, null, 1));
  }
}

async function collected(generator) {
  const all = [];
  for await (const one of generator) all.push(one);
  return all;
}

function code(body) {
  try {
    return JSON.parse(body).code ?? null;
  } catch {
    return null;
  }
}

/** The best that was seen of an operation is what counts: tests call it wrongly on purpose as well. */
const rank = (seen) => ("read" in seen ? (seen.read ? 2 : 1) : 0);

/** The public methods of an object, its class's and its own: all that can be called and is not private by its name. */
export function methodsOf(target) {
  const names = new Set();
  for (let level = target; level && level !== Object.prototype; level = Object.getPrototypeOf(level)) {
    for (const name of Object.getOwnPropertyNames(level)) {
      if (name !== "constructor" && !name.startsWith("_") && typeof target[name] === "function") names.add(name);
    }
  }
  return [...names].sort();
}
