//! `paddock key create`.

use clap::Args;
use paddock_core::money::parse_decimal;
use paddock_web::Outlook;
use rust_decimal::Decimal;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use crate::api::ApiClient;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::paint::Paint;
use crate::table;

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// A name of your choice for the access key
    name: String,
    /// The connection that it opens
    #[arg(long, value_name = "C")]
    connection: String,
    /// Say what the key could do, what it could lose in a day and what to look at once more; nothing is issued
    #[arg(long)]
    preview: bool,
    #[command(flatten)]
    scope: ScopeArgs,
}

/// What a key may do, as options.
#[derive(Debug, Args)]
pub(super) struct ScopeArgs {
    /// Ready-made operations: read-only, trader or data-only [default: trader when orders are limited below, else read-only]
    #[arg(long, value_name = "P")]
    preset: Option<String>,
    /// Operations (postOrder, getAccount) or permission classes (account-read, order) to allow
    #[arg(long, value_name = "OPS", value_delimiter = ',')]
    allow: Vec<String>,
    /// Orders in these symbols only
    #[arg(long, value_name = "A,B", value_delimiter = ',', help_heading = "Limits on orders")]
    symbols: Vec<String>,
    /// Market data of these symbols only, also in streams
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    data_symbols: Vec<String>,
    /// Orders in these asset classes only: us_equity, us_option, crypto
    #[arg(long, value_name = "CLASSES", value_delimiter = ',', help_heading = "Limits on orders")]
    asset_classes: Vec<String>,
    /// Orders on this side only: buy or sell
    #[arg(long, value_name = "buy|sell", value_delimiter = ',', help_heading = "Limits on orders")]
    side: Vec<String>,
    /// Orders of these types only: market, limit, stop, stop_limit, trailing_stop
    #[arg(long, value_name = "T", value_delimiter = ',', help_heading = "Limits on orders")]
    order_types: Vec<String>,
    /// Orders of these classes only: simple, bracket, oco, oto, mleg
    #[arg(long, value_name = "C", value_delimiter = ',', help_heading = "Limits on orders")]
    order_classes: Vec<String>,
    /// Orders with these times in force only: day, gtc, opg, cls, ioc, fok
    #[arg(long, value_name = "T", value_delimiter = ',', help_heading = "Limits on orders")]
    times_in_force: Vec<String>,
    /// No orders that may fill outside regular hours
    #[arg(long, help_heading = "Limits on orders")]
    no_extended_hours: bool,
    /// Never short (long_only), or nothing but making positions smaller (reduce_only)
    #[arg(long, value_name = "long_only|reduce_only", help_heading = "Limits on orders")]
    positions: Option<String>,
    /// See, change and cancel nothing but the orders that this key has placed
    #[arg(long)]
    only_own_orders: bool,
    /// When orders may be sent: regular, or two times of New York such as 09:45-15:30
    #[arg(long, value_name = "HOURS", help_heading = "Limits on orders")]
    hours: Option<String>,
    /// Shares, contracts or coins that one order may be for
    #[arg(long, value_name = "N", value_parser = dollars, help_heading = "Limits on orders")]
    max_quantity: Option<Decimal>,
    /// By how many percent a limit price may be worse than the market
    #[arg(long, value_name = "PERCENT", value_parser = dollars, help_heading = "Limits on orders")]
    max_price_deviation: Option<Decimal>,
    /// How many seconds old a quote may be by which an order is judged [default: 900]
    #[arg(long, value_name = "SECONDS", help_heading = "Limits on orders")]
    max_quote_age: Option<u32>,
    /// Dollars that one order may be worth
    #[arg(long, value_name = "N", value_parser = dollars, help_heading = "Limits on orders")]
    max_notional: Option<Decimal>,
    /// Dollars that all orders of a New York day may be worth
    #[arg(long, value_name = "N", value_parser = dollars, help_heading = "Limits on orders")]
    max_daily_notional: Option<Decimal>,
    /// Orders on a New York day
    #[arg(long, value_name = "N", help_heading = "Limits on orders")]
    max_daily_orders: Option<u32>,
    /// Dollars that the whole account may have in positions and in orders that open
    #[arg(long, value_name = "N", value_parser = dollars, help_heading = "Limits on orders")]
    max_open_exposure: Option<Decimal>,
    /// Dollars that the whole account may lose on a day before nothing more is opened
    #[arg(long, value_name = "N", value_parser = dollars, help_heading = "Limits on orders")]
    max_daily_loss: Option<Decimal>,
    /// Requests in any 60 seconds; as many cancels, and at least 60, pass besides
    #[arg(long, value_name = "N", help_heading = "Limits on its use")]
    max_requests_per_minute: Option<u32>,
    /// Dollars beyond which a person has to approve an order, or `always`
    #[arg(long, value_name = "N|always", help_heading = "Approvals")]
    approval_over: Option<String>,
    /// How many seconds the program waits for the person, up to 300 [default: 0, it is answered at once]
    #[arg(long, value_name = "SECONDS", help_heading = "Approvals")]
    approval_wait: Option<u32>,
    /// After how many seconds a held order is not sent any more [default: 900]
    #[arg(long, value_name = "SECONDS", help_heading = "Approvals")]
    approval_expiry: Option<u32>,
    /// By how many percent the market may have moved when an approved order is sent [default: 2]
    #[arg(long, value_name = "PERCENT", value_parser = dollars, help_heading = "Approvals")]
    approval_price_band: Option<Decimal>,
    /// How long it opens anything: 30d, 12h, 90m, or an instant such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "30d", help_heading = "Limits on its use")]
    expires: Option<String>,
    /// Use from this network only; may be given more than once
    #[arg(long, value_name = "CIDR", value_delimiter = ',', help_heading = "Limits on its use")]
    network: Vec<String>,
    /// Take signed requests only, so that the Secret Key never travels (docs/signed-requests.md)
    #[arg(long, help_heading = "Limits on its use")]
    signed: bool,
}

/// The API's request. What is absent does not limit, so an empty list must not be sent.
#[derive(Debug, Serialize)]
struct Creation {
    name: String,
    connection: String,
    #[serde(flatten)]
    scope: ScopeFields,
}

/// The API's fields of a scope.
#[derive(Debug, Serialize)]
pub(super) struct ScopeFields {
    #[serde(skip_serializing_if = "Option::is_none")]
    preset: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    symbols: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    data_symbols: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    asset_classes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sides: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    order_types: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    order_classes: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    times_in_force: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    no_extended_hours: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    positions: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    only_own_orders: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_order_quantity: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_price_deviation: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_quote_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_order_notional: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_daily_notional: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_daily_orders: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_open_exposure: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_daily_loss: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_requests_per_minute: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    networks: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_over: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_wait: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_expiry: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval_price_band: Option<Decimal>,
}

fn dollars(text: &str) -> Result<Decimal, String> {
    match parse_decimal(text) {
        Ok(amount) if amount >= Decimal::ZERO => Ok(amount),
        Ok(_) => Err("an amount is not negative".to_owned()),
        Err(error) => Err(format!("{error}, such as 1000 or 2500.50")),
    }
}

impl From<CreateArgs> for Creation {
    fn from(args: CreateArgs) -> Self {
        Self { name: args.name, connection: args.connection, scope: args.scope.with_usual_preset().into() }
    }
}

impl ScopeArgs {
    fn with_usual_preset(self) -> Self {
        let args = self;
        let limits_orders = !args.symbols.is_empty()
            || !args.asset_classes.is_empty()
            || !args.side.is_empty()
            || !args.order_types.is_empty()
            || !args.order_classes.is_empty()
            || !args.times_in_force.is_empty()
            || args.no_extended_hours
            || args.positions.is_some()
            || args.only_own_orders
            || args.hours.is_some()
            || args.max_quantity.is_some()
            || args.max_price_deviation.is_some()
            || args.max_quote_age.is_some()
            || args.max_notional.is_some()
            || args.max_daily_notional.is_some()
            || args.max_daily_orders.is_some()
            || args.max_open_exposure.is_some()
            || args.max_daily_loss.is_some()
            || args.approval_over.is_some();
        let preset = args.preset.or_else(|| {
            // Whoever limits orders wants orders; whoever says nothing gets the least.
            let usual = if limits_orders { "trader" } else { "read-only" };
            args.allow.is_empty().then(|| usual.to_owned())
        });
        Self { preset, ..args }
    }
}

impl From<ScopeArgs> for ScopeFields {
    fn from(args: ScopeArgs) -> Self {
        let is_instant = |text: &String| text.contains(['T', ':']);
        Self {
            preset: args.preset,
            allow: args.allow,
            symbols: args.symbols,
            data_symbols: args.data_symbols,
            asset_classes: args.asset_classes,
            sides: args.side,
            order_types: args.order_types,
            order_classes: args.order_classes,
            times_in_force: args.times_in_force,
            no_extended_hours: args.no_extended_hours,
            positions: args.positions,
            only_own_orders: args.only_own_orders,
            hours: args.hours,
            max_order_quantity: args.max_quantity,
            max_price_deviation: args.max_price_deviation,
            max_quote_age: args.max_quote_age,
            max_order_notional: args.max_notional,
            max_daily_notional: args.max_daily_notional,
            max_daily_orders: args.max_daily_orders,
            max_open_exposure: args.max_open_exposure,
            max_daily_loss: args.max_daily_loss,
            max_requests_per_minute: args.max_requests_per_minute,
            expires_at: args.expires.clone().filter(is_instant),
            expires_in: args.expires.filter(|text| !is_instant(text)),
            networks: args.network,
            signed: args.signed.then_some("required"),
            approval_over: args.approval_over,
            approval_wait: args.approval_wait,
            approval_expiry: args.approval_expiry,
            approval_price_band: args.approval_price_band,
        }
    }
}

/// What a key would come to.
async fn preview(args: CreateArgs, context: &Context) -> Outcome {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(ScopeFields::from(args.scope)) else {
        return Err(Failure::new("the options cannot be written as JSON"));
    };
    fields.insert("connection".to_owned(), args.connection.into());
    let client = context.client().await?;
    let outlook = client.post("/api/v1/scope/describe", &fields).await;
    client.close().await;
    let outlook: Value = outlook?;
    let view = Outlook::deserialize(&outlook).map_err(Failure::cannot("understand the server's answer"))?;
    context.output.show(&outlook, |paint| {
        let mut lines =
            table::pairs([("it", view.sentence.clone()), ("can lose", view.at_stake.words.clone())]);
        for warning in &view.warnings {
            lines += &format!("\n{} {} {}", paint.bad("look again:"), warning.words, warning.next_step);
        }
        lines
    })
}

pub(super) async fn run(args: CreateArgs, context: &Context) -> Outcome {
    if args.preview {
        return preview(args, context).await;
    }
    let client = context.client().await?;
    let done = create(&client, &Creation::from(args)).await;
    client.close().await;
    let (created, gateway) = done?;
    context.output.show(&created, |paint| describe(&created, &gateway, paint))
}

/// The new key, and the gateway's address for it.
async fn create(client: &ApiClient, creation: &Creation) -> Outcome<(Value, String)> {
    // First, so that nothing can fail between issuing the key and showing it.
    let status = client.get("/api/v1/status").await?;
    let gateway = status["gateway"].as_str().unwrap_or("http://127.0.0.1:7880").to_owned();
    Ok((client.post("/api/v1/keys", creation).await?, gateway))
}

fn describe(created: &Value, gateway: &str, paint: Paint) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    let key = &created["key"];
    let (key_id, secret_key) = (text(&created["key_id"]), text(&created["secret_key"]));
    let mut lines = format!(
        "{} `{}` for connection `{}` ({}): {}\n",
        paint.good("issued access key"),
        text(&key["name"]),
        text(&key["connection"]),
        text(&key["environment"]),
        text(&key["scope_sentence"]),
    );
    if !key["scope"]["signed"].is_null() {
        lines += &paint.bold("The Secret Key is shown this once. It signs requests and is never sent:\n");
        lines += &format!("\nKey ID      {key_id}\nSecret Key  {secret_key}\nGateway     {gateway}\n");
        return lines + "\ndocs/signed-requests.md has a signer for Python to copy\n";
    }
    lines +=
        &paint.bold("The Secret Key is shown this once and kept nowhere. Paste what your program needs:\n");
    for snippet in paddock_web::snippets(gateway, &key_id, &secret_key) {
        lines += &format!("\n{}\n{}", paint.dim(&format!("# {}", snippet.title)), snippet.text);
    }
    lines
}
