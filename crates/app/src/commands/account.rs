//! `paddock account`: what an account holds and has ordered, and what a person does about it.

use std::io::IsTerminal as _;

use clap::{Args, Subcommand};
use paddock_core::Environment;
use paddock_core::money::format_usd;
use paddock_web::{AccountFigures, ConnectionView, OrderView, PlacedBy, PositionView};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::api::{ApiClient, segment};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::table;

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Show what the account is worth
    Show(Which),
    /// List the positions
    Positions(Which),
    /// List the open orders, with who placed them
    Orders {
        #[command(flatten)]
        which: Which,
        /// Those that have ended, too
        #[arg(long)]
        all: bool,
        /// How many at most
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Cancel an order, or all that are open
    Cancel {
        /// The order's identifier, from `paddock account orders`
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        order: Option<String>,
        /// All open orders, whoever placed them
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        asking: Asking,
    },
    /// Close a position at the market, or a part of it; what holds it closed is Alpaca's own close, which never opens anything
    Close {
        /// The symbol, from `paddock account positions`
        symbol: String,
        /// How many shares, contracts or coins [default: all]
        #[arg(long, value_name = "N", conflicts_with = "percent")]
        qty: Option<Decimal>,
        /// How much of it in percent
        #[arg(long, value_name = "PERCENT")]
        percent: Option<Decimal>,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        asking: Asking,
    },
}

/// Which account.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The connection [default: the active one]
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Asking {
    /// Do not ask, not even when it is real money
    #[arg(long)]
    yes: bool,
}

pub(crate) async fn run(command: AccountCommand, context: &Context) -> Outcome {
    let client = context.client().await?;
    let done = act(command, &client, context).await;
    client.close().await;
    done
}

async fn act(command: AccountCommand, client: &ApiClient, context: &Context) -> Outcome {
    match command {
        AccountCommand::Show(which) => {
            let account = which.find(client).await?;
            let shown = client.get(&account.path("account")).await?;
            let figures: AccountFigures = read(&shown)?;
            context.output.show(&shown, |_| describe(&figures))
        }
        AccountCommand::Positions(which) => {
            let account = which.find(client).await?;
            let shown = client.list(&account.path("positions")).await?;
            let positions: Vec<PositionView> = read(&shown)?;
            context.output.show(&shown, |_| describe_positions(positions))
        }
        AccountCommand::Orders { which, all, limit } => {
            let account = which.find(client).await?;
            let status = if all { "all" } else { "open" };
            let path = account.path(&format!("orders?status={status}&limit={limit}"));
            let shown = client.get(&path).await?["items"].take();
            let orders: Vec<OrderView> = read(&shown)?;
            context.output.show(&shown, |_| describe_orders(orders))
        }
        AccountCommand::Cancel { order, all: _, which, asking } => {
            let account = which.find(client).await?;
            let (path, question) = match &order {
                Some(id) => (format!("orders/{}", segment(id)), format!("Cancel the order {id}")),
                None => ("orders".to_owned(), "Cancel all open orders, whoever placed them".to_owned()),
            };
            asking.confirm(&question, &account, context)?;
            let done = client.delete(&account.path(&path)).await?;
            context.output.show(&done, |_| describe_cancel(&done, order.as_deref()))
        }
        AccountCommand::Close { symbol, qty, percent, which, asking } => {
            let account = which.find(client).await?;
            let (part, words) = match (qty, percent) {
                (Some(qty), _) => (format!("?qty={qty}"), format!("{qty} of {symbol}")),
                (None, Some(percent)) => {
                    (format!("?percentage={percent}"), format!("{percent} % of the position in {symbol}"))
                }
                (None, None) => (String::new(), format!("the position in {symbol}")),
            };
            asking.confirm(&format!("Close {words} at the market"), &account, context)?;
            let done = client.delete(&account.path(&format!("positions/{}{part}", segment(&symbol)))).await?;
            context.output.show(&done, |_| {
                let order = done["order_id"].as_str().unwrap_or("unknown");
                format!(
                    "closing {words}: alpaca has taken order {order}\nrequest {}, see `paddock activity show`",
                    done["request"].as_str().unwrap_or("unknown")
                )
            })
        }
    }
}

/// The account that a command is about.
struct Account {
    name: String,
    environment: Environment,
}

impl Account {
    fn path(&self, rest: &str) -> String {
        format!("/api/v1/connections/{}/{rest}", segment(&self.name))
    }
}

impl Which {
    async fn find(self, client: &ApiClient) -> Outcome<Account> {
        let listed = client.list("/api/v1/connections").await?;
        let views: Vec<ConnectionView> = read(&listed)?;
        let found = match &self.connection {
            Some(name) => views.into_iter().find(|view| view.name == *name),
            None => views.into_iter().find(|view| view.active),
        };
        match (found, self.connection) {
            (Some(view), _) => Ok(Account { name: view.name, environment: view.environment }),
            (None, Some(name)) => Err(Failure::new(format!("there is no connection `{name}`"))
                .hint("see `paddock connection list`")),
            (None, None) => {
                Err(Failure::new("no account is connected yet")
                    .hint("connect one with `paddock connection add`"))
            }
        }
    }
}

impl Asking {
    /// Asks where there is somebody to ask; for real money the connection's name has to be typed. A script has made up its mind, but
    /// for real money it has to say so.
    fn confirm(&self, question: &str, account: &Account, context: &Context) -> Outcome {
        if self.yes {
            return Ok(());
        }
        let not_confirmed = || {
            Failure::new("it was not confirmed, and nothing was done")
                .hint("`--yes` does it without a question")
        };
        let somebody = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let asked = somebody && !context.output.is_json();
        match (account.environment, asked) {
            (Environment::Paper, false) => Ok(()),
            (Environment::Live, false) => Err(Failure::refused(format!(
                "`{}` is a live account, and this would be done with real money",
                account.name
            ))
            .hint("add `--yes` if it is meant")),
            (Environment::Paper, true) => {
                let question = format!("{question} in {} (paper)?", account.name);
                match inquire::Confirm::new(&question).with_default(false).prompt() {
                    Ok(true) => Ok(()),
                    _ => Err(not_confirmed()),
                }
            }
            (Environment::Live, true) => {
                let question = format!("{question} in {}, with real money. Type its name:", account.name);
                match inquire::Text::new(&question).prompt() {
                    Ok(typed) if typed.trim() == account.name => Ok(()),
                    _ => Err(not_confirmed()),
                }
            }
        }
    }
}

fn read<T: DeserializeOwned>(answer: &Value) -> Outcome<T> {
    T::deserialize(answer).map_err(Failure::cannot("understand the server's answer"))
}

fn dollars(amount: Option<Decimal>) -> String {
    match amount {
        None => "not told".to_owned(),
        Some(amount) if amount.is_sign_negative() && !amount.is_zero() => {
            format!("-${}", format_usd(-amount))
        }
        Some(amount) => format!("${}", format_usd(amount)),
    }
}

fn describe(figures: &AccountFigures) -> String {
    let money = if figures.environment == Environment::Live { "real money" } else { "simulated money" };
    let day = match figures.day_change_percent {
        Some(percent) => format!("{} ({percent} %)", dollars(figures.day_change)),
        None => dollars(figures.day_change),
    };
    let mut pairs = vec![
        ("connection", format!("{} ({}, {money})", figures.connection, figures.environment)),
        ("account", format!("{}, {}", figures.account_number, figures.status)),
        ("equity", dollars(figures.equity)),
        ("today", day),
        ("cash", dollars(figures.cash)),
        ("buying power", dollars(figures.buying_power)),
        ("held", dollars(figures.long_market_value)),
        ("sold short", dollars(figures.short_market_value)),
        ("as of", table::instant(figures.as_of)),
    ];
    if !figures.blocked.is_empty() {
        pairs.push(("note", figures.blocked.join("; ")));
    }
    table::pairs(pairs)
}

fn describe_positions(positions: Vec<PositionView>) -> String {
    if positions.is_empty() {
        return "no positions".to_owned();
    }
    let rows = positions.into_iter().map(|position| {
        vec![
            position.symbol,
            position.side,
            position.qty.to_string(),
            dollars(Some(position.avg_entry_price)),
            dollars(position.current_price),
            dollars(position.market_value),
            dollars(position.unrealized_pl),
            position.unrealized_pl_percent.map(|percent| format!("{percent} %")).unwrap_or_default(),
        ]
    });
    table::columns(&["SYMBOL", "SIDE", "QTY", "PAID", "PRICE", "WORTH", "PROFIT", ""], rows)
}

fn describe_orders(orders: Vec<OrderView>) -> String {
    if orders.is_empty() {
        return "no orders".to_owned();
    }
    let rows = orders.into_iter().map(|order| {
        vec![
            order.id.clone(),
            order.submitted_at.map(table::instant).unwrap_or_default(),
            order.sentence(),
            order.status.replace('_', " "),
            order.filled_qty.map(|qty| qty.to_string()).unwrap_or_default(),
            match order.placed_by {
                PlacedBy::AccessKey { name } | PlacedBy::Person { name } => name,
                PlacedBy::Paddock => "Paddock".to_owned(),
                PlacedBy::Outside => "outside Paddock".to_owned(),
            },
        ]
    });
    table::columns(&["ORDER", "SUBMITTED", "WHAT", "STATUS", "FILLED", "PLACED BY"], rows)
}

fn describe_cancel(done: &Value, order: Option<&str>) -> String {
    match order {
        Some(order) => format!("alpaca cancels order {order}"),
        None => match (done["canceled"].as_u64().unwrap_or(0), done["failed"].as_u64().unwrap_or(0)) {
            (0, 0) => "no order was open".to_owned(),
            (canceled, 0) => format!("alpaca cancels {canceled} orders"),
            (canceled, failed) => format!("alpaca cancels {canceled} orders; {failed} could not be canceled"),
        },
    }
}
