// Waiting for what a stream says.

const PATIENCE_MS = 20_000;

export class Heard {
  #messages = [];
  #waiting = new Set();

  /** Keeps a message; to be given to a client as its handler. */
  keep = (message) => {
    this.#messages.push(message);
    for (const look of this.#waiting) look();
  };

  /** Whether a message that fits is there. */
  any(fits) {
    return this.#messages.some(fits);
  }

  /** The first message that fits, when it is there. */
  wait(fits = () => true, what = "a message") {
    return this.#until(() => this.#messages.find(fits), what);
  }

  /** The next message after those that are there. */
  next(what = "one more message") {
    const soFar = this.#messages.length;
    return this.#until(() => this.#messages[soFar], what);
  }

  #until(find, what) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = find();
        if (found === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`${what} did not come; what came: ${JSON.stringify(this.#messages.slice(-3))}`));
      }, PATIENCE_MS);
      this.#waiting.add(look);
      look();
    });
  }
}
