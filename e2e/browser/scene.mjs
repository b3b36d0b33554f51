// A Paddock that has been in use: an account, three access keys, and bots whose orders were filled, refused and held.

/** Plays it by the command line and alpaca-py, and returns what is there. */
export async function play(stage) {
  const { broker, paddock } = stage;
  const account = await broker.account("paper");
  await paddock.connect("paper-main", account);
  const caps = ["--max-notional", "1000", "--max-daily-notional", "5000", "--expires", "30d"];
  const key = await paddock.issue("momentum", "paper-main", "--preset", "trader", "--symbols", "AAPL,MSFT", "--side", "buy", ...caps);
  await paddock.issue("dashboard", "paper-main", "--preset", "read-only");
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
