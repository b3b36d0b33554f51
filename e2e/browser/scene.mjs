// A Paddock that has been in use: an account, three access keys, and bots whose orders were filled, refused and held.

const DAY_MS = 86_400_000;

/** When an account was opened that has a past. */
const WEEKS = 7;

/** What was bought and sold since, one after the other, evenly spread. */
const PAST = [["AAPL", 40], ["MSFT", 300], ["NVDA", 60], ["AAPL", 20], ["NVDA", -30], ["MSFT", 200], ["AAPL", -25], ["NVDA", 45], ["AAPL", 15], ["MSFT", -150]];

/** The instant at which the broker's time has to begin for `play` to have a past, at a market's opening hour. */
export function longAgo() {
  return new Date(Math.floor(Date.now() / DAY_MS - 7 * WEEKS) * DAY_MS + 0.625 * DAY_MS).toISOString();
}

/** Plays it by the command line and alpaca-py, and returns what is there. With `since` the account has a past from then on. */
export async function play(stage, since = undefined) {
  const { broker, paddock } = stage;
  const account = await broker.account("paper");
  if (since) await trade(broker, account, Date.parse(since));
  await paddock.connect("paper-main", account);
  const caps = ["--max-notional", "1000", "--max-daily-notional", "5000", "--expires", "30d"];
  const key = await paddock.issue("momentum", "paper-main", "--preset", "trader", "--symbols", "AAPL,MSFT", "--side", "buy", ...caps);
  await paddock.issue("dashboard", "paper-main", "--preset", "read-only");
  if (since) await paddock.pastUse("momentum", usage());
  const bot = stage.bot(key);
  await bot.account();
  for (const [symbol, quantity] of [["AAPL", 1], ["MSFT", 1], ["TSLA", 1], ["AAPL", 9]]) await bot.buy(symbol, quantity);
  await bot.buy("MSFT", 2, 5);
  const careful = stage.bot(await paddock.issue("careful", "paper-main", "--preset", "trader", "--approval-over", "500"));
  await careful.buy("NVDA", 20, 100);
  const approval = (await paddock.cli("approval", "list"))[0].id;
  const { items: requests } = await paddock.cli("activity", "list");
  return { account, bot, approval, request: requests.find(({ decision }) => decision === "refused").request };
}

/** The account's past, up to now. */
async function trade(broker, account, begin) {
  const step = (Date.now() - begin) / PAST.length;
  for (const [index, [symbol, quantity]] of PAST.entries()) {
    if (index > 0) await broker.until(new Date(begin + index * step).toISOString());
    await broker.order(account, symbol, Math.abs(quantity), quantity < 0 ? "sell" : "buy");
  }
  await broker.until(new Date().toISOString());
}

/** How a key was used on each weekday of the last four weeks, the same whenever it is asked. */
function usage() {
  const days = [];
  for (let back = 28; back > 0; back -= 1) {
    const at = new Date(Date.now() - back * DAY_MS);
    if ([0, 6].includes(at.getUTCDay())) continue;
    const reads = 14 + ((back * 7) % 11);
    const orders = 6 + ((back * 5) % 9);
    const refused = { symbol_not_allowed: back % 4, order_notional_exceeded: back % 3, daily_notional_exceeded: back % 9 === 0 ? 2 : 0 };
    days.push([at.toISOString().slice(0, 10), reads, orders, Object.fromEntries(Object.entries(refused).filter(([, count]) => count > 0))]);
  }
  return days;
}
