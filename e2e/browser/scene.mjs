// A Paddock that has been in use: two accounts, three access keys, and a bot whose orders were filled and refused.

/** Plays it by the command line and alpaca-py, and returns what is there. */
export async function play(stage) {
  const { broker, paddock } = stage;
  await paddock.connect("paper-main", await broker.account("paper"));
  const caps = ["--max-notional", "1000", "--max-daily-notional", "5000", "--expires", "30d"];
  const key = await paddock.issue("momentum", "paper-main", "--preset", "trader", "--symbols", "AAPL,MSFT", "--side", "buy", ...caps);
  await paddock.issue("dashboard", "paper-main", "--preset", "read-only");
  const bot = stage.bot(key);
  await bot.account();
  for (const [symbol, quantity] of [["AAPL", 1], ["MSFT", 1], ["TSLA", 1], ["AAPL", 9]]) await bot.buy(symbol, quantity);
  return { bot, key };
}
