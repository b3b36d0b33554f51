// What a file of tests plays on: a broker, a Paddock, a browser, and who comes to it.

import { Bot } from "./bot.mjs";
import { Visitor, openBrowser } from "./browser.mjs";
import { Broker, Paddock } from "./paddock.mjs";
import { join } from "./person.mjs";

export class Stage {
  #leaving = [];

  /** `prepare` is given the broker and says how Paddock is to be started; the broker's time begins at `since`, or now. */
  static async set(prepare = async () => ({}), since = undefined) {
    const stage = new Stage();
    try {
      stage.broker = await Broker.start(since);
      stage.#leaving.push(() => stage.broker.stop());
      stage.paddock = await Paddock.start(stage.broker, await prepare(stage.broker));
      stage.#leaving.push(() => stage.paddock.stop());
      stage.browser = await openBrowser();
      stage.#leaving.push(() => stage.browser.close());
      return stage;
    } catch (error) {
      await stage.strike();
      throw error;
    }
  }

  /** Somebody with a browser of their own. */
  async visitor(options) {
    const visitor = await Visitor.arrive(this.browser, this.paddock.web, options);
    this.#leaving.push(() => visitor.leave());
    return visitor;
  }

  /** The owner of this Paddock, whom its set-up link makes: signed in. */
  async owner(options) {
    return join(await this.visitor(options), this.paddock.setUp, "anna", "Create the owner");
  }

  /** A program with that access key. */
  bot(key) {
    const bot = new Bot(this.paddock, key);
    this.#leaving.push(() => bot.stop());
    return bot;
  }

  /** Ends all of it, the last that came first. Whatever went wrong is told, and keeps nothing else from ending. */
  async strike() {
    const failures = [];
    for (const leave of this.#leaving.splice(0).reverse()) {
      try {
        await leave();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
