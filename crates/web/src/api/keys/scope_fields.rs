//! A scope, read from the fields of a request.
//!
//! Every complaint names the field and what it may hold. A combination under which the key could never do what was meant is
//! refused too, since the person would find out only when an order is refused.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;

use http::StatusCode;
use ipnet::IpNet;
use jiff::Timestamp;
use paddock_alpaca::operation;
use paddock_core::money::parse_decimal;
use paddock_core::scope::{Preset, approval};
use paddock_core::{AssetClass, PermissionClass, Scope, Symbol};
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::fields::Fields;
use crate::lifetime;
use crate::problem::{Problem, shown};

/// The fields of a scope.
pub(crate) const FIELDS: [&str; 30] = [
    "preset",
    "allow",
    "symbols",
    "data_symbols",
    "asset_classes",
    "sides",
    "order_types",
    "order_classes",
    "times_in_force",
    "no_extended_hours",
    "positions",
    "only_own_orders",
    "hours",
    "max_order_quantity",
    "max_price_deviation",
    "max_quote_age",
    "max_order_notional",
    "max_daily_notional",
    "max_daily_orders",
    "max_open_exposure",
    "max_daily_loss",
    "max_requests_per_minute",
    "expires_at",
    "expires_in",
    "networks",
    "signed",
    "approval_over",
    "approval_wait",
    "approval_expiry",
    "approval_price_band",
];

/// Reads a scope. `now` is when a lifetime begins.
pub(crate) fn read(fields: &mut Fields, now: Timestamp) -> Result<Scope, Problem> {
    let mut scope = Scope::default();
    read_acts(fields, &mut scope)?;
    scope.symbols = symbols(fields, "symbols")?;
    scope.data_symbols = symbols(fields, "data_symbols")?;
    scope.asset_classes = words(fields, "asset_classes", &["us_equity", "us_option", "crypto"])?;
    scope.sides = words(fields, "sides", &["buy", "sell"])?;
    scope.order_types =
        words(fields, "order_types", &["market", "limit", "stop", "stop_limit", "trailing_stop"])?;
    scope.order_classes = words(fields, "order_classes", &["simple", "bracket", "oco", "oto", "mleg"])?;
    scope.times_in_force = words(fields, "times_in_force", &["day", "gtc", "opg", "cls", "ioc", "fok"])?;
    scope.no_extended_hours = fields.flag("no_extended_hours")?;
    scope.positions = word(fields, "positions", &["long_only", "reduce_only"])?;
    scope.only_own_orders = fields.flag("only_own_orders")?;
    scope.hours = match fields.text("hours")? {
        Some(text) => Some(text.trim().parse().map_err(|_| {
            Problem::field("hours", "`regular`, or two times of New York such as `09:45-15:30`")
        })?),
        None => None,
    };
    scope.max_order_quantity =
        fields.amount("max_order_quantity", "units above zero as text, for example \"10\" or \"0.5\"")?;
    scope.max_price_deviation =
        fields.amount("max_price_deviation", "percent above zero as text, for example \"2.5\"")?;
    scope.max_quote_age = fields.count("max_quote_age")?;
    scope.max_order_notional = fields.dollars("max_order_notional")?;
    scope.max_daily_notional = fields.dollars("max_daily_notional")?;
    scope.max_daily_orders = fields.count("max_daily_orders")?;
    scope.max_open_exposure = fields.dollars("max_open_exposure")?;
    scope.max_daily_loss = fields.dollars("max_daily_loss")?;
    scope.max_requests_per_minute = fields.count("max_requests_per_minute")?;
    scope.expires_at = expiry(fields, now)?;
    scope.networks = set(fields, "networks", network)?.map(|networks| networks.into_iter().collect());
    scope.signed = word(fields, "signed", &["required"])?;
    scope.approval_over = approval_over(fields)?;
    scope.approval_wait = fields.within("approval_wait", 0..=approval::LONGEST_WAIT)?;
    scope.approval_expiry = fields.within("approval_expiry", 10..=86_400)?;
    scope.approval_price_band =
        fields.amount("approval_price_band", "percent above zero as text, for example \"1.5\"")?;
    check_sense(&scope)?;
    Ok(scope)
}

/// Reads a change of a scope: a field that is given takes the place of what the scope has, `null` lifts a limit, and what is absent stays as
/// it is.
pub(crate) fn read_change(given: Fields, old: &Scope, now: Timestamp) -> Result<Scope, Problem> {
    given.only(&FIELDS, &FIELDS)?;
    let mut base = written(old);
    if given.has("preset") || given.has("allow") {
        base.remove("allow");
    }
    let same_end = !given.has("expires_at") && !given.has("expires_in");
    let mut fields = given.over(base);
    let mut scope = read(&mut fields, now)?;
    fields.finish(&FIELDS)?;
    if same_end {
        scope.expires_at = old.expires_at;
    }
    if scope.signed != old.signed {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "signed_for_good",
            "Decided when the key was issued",
            "whether requests are signed does not change: what signatures are checked with is kept from the start, or never",
            "issue a new access key, and revoke this one",
        )
        .with("field", "signed"));
    }
    Ok(scope)
}

/// A scope in the fields from which it would be read, without its end.
fn written(scope: &Scope) -> Map<String, Value> {
    // A scope always has a form in JSON, and nearly that of the fields.
    let Ok(Value::Object(mut fields)) = serde_json::to_value(scope) else { return Map::new() };
    let classes = scope.classes.iter().filter(|class| **class != PermissionClass::MoneyOut);
    let names = classes.map(|class| class.as_str()).chain(scope.operations.iter().map(String::as_str));
    let allow: Vec<&str> = names.collect();
    for name in ["classes", "operations", "expires_at"] {
        fields.remove(name);
    }
    fields.insert("allow".to_owned(), allow.into());
    fields
}

fn read_acts(fields: &mut Fields, scope: &mut Scope) -> Result<(), Problem> {
    let preset = fields.text("preset")?;
    let allow = fields.list("allow")?;
    if let Some(name) = &preset {
        let names = Preset::ALL.map(|(name, _)| name);
        Preset::named(name).ok_or_else(|| Problem::not_allowed("preset", name, &names))?.apply(scope);
    }
    for entry in allow.iter().flatten() {
        allow_entry(entry, scope)?;
    }
    if preset.is_none() && allow.is_none() {
        return Err(Problem::missing("preset", "what the key may do: a `preset`, or operations in `allow`")
            .with("allowed", Preset::ALL.map(|(name, _)| name).to_vec()));
    }
    Ok(())
}

/// One entry of `allow`: a permission class or an operationId.
fn allow_entry(entry: &str, scope: &mut Scope) -> Result<(), Problem> {
    if let Some(class) = PermissionClass::ALL.into_iter().find(|class| class.as_str() == entry) {
        if class == PermissionClass::MoneyOut {
            let names: Vec<&str> = operations_of(class).collect();
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "money_out_by_name_only",
                "Operations that move money out are allowed by name only",
                "`money-out` cannot be allowed as a whole: these operations can empty the account",
                format!("name the operations that are meant: {}", names.join(", ")),
            )
            .with("field", "allow")
            .with("allowed", names));
        }
        scope.classes.insert(class);
        return Ok(());
    }
    if let Some(operation) = operation::by_id(entry) {
        scope.operations.insert(operation.id.to_owned());
        return Ok(());
    }
    let classes: Vec<&str> = PermissionClass::ALL
        .into_iter()
        .filter(|class| *class != PermissionClass::MoneyOut)
        .map(PermissionClass::as_str)
        .collect();
    let nearest = classes
        .iter()
        .copied()
        .chain(operation::all().map(|operation| operation.id))
        .map(|name| (distance(&entry.to_ascii_lowercase(), &name.to_ascii_lowercase()), name))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    let mut next_step = format!(
        "use a class ({}) or an operationId of Alpaca's API, for example `postOrder`",
        classes.join(", ")
    );
    if let Some((_, name)) = nearest {
        next_step = format!("did you mean `{name}`? otherwise {next_step}");
    }
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "unknown_operation",
        "Unknown operation",
        format!("`{}` in `allow` is neither a class nor an operation", shown(entry)),
        next_step,
    )
    .with("field", "allow")
    .with("allowed", classes)
    .with("operations", operation::all().map(|operation| operation.id).collect::<Vec<_>>());
    if let Some((_, name)) = nearest {
        problem = problem.with("did_you_mean", name);
    }
    Err(problem)
}

fn operations_of(class: PermissionClass) -> impl Iterator<Item = &'static str> {
    operation::all().filter(move |operation| operation.class == class).map(|operation| operation.id)
}

fn symbols(fields: &mut Fields, name: &str) -> Result<Option<BTreeSet<Symbol>>, Problem> {
    set(fields, name, |text| {
        Symbol::parse(&text.to_ascii_uppercase()).map_err(|_| {
            Problem::field(name, "symbols like `AAPL`, `BRK.B`, `BTC/USD` or `AAPL261218C00150000`")
        })
    })
}

/// A list of entries as a set.
fn set<T: Ord>(
    fields: &mut Fields,
    name: &str,
    read: impl Fn(&str) -> Result<T, Problem>,
) -> Result<Option<BTreeSet<T>>, Problem> {
    fields.list(name)?.map(|items| items.iter().map(|item| read(item)).collect()).transpose()
}

/// A list of words as a set; `allowed` are all there are.
fn words<T: Ord + FromStr>(
    fields: &mut Fields,
    name: &str,
    allowed: &[&str],
) -> Result<Option<BTreeSet<T>>, Problem> {
    set(fields, name, |text| {
        text.to_ascii_lowercase().parse().map_err(|_| Problem::not_allowed(name, text, allowed))
    })
}

/// One word of some; `allowed` are all there are.
fn word<T: FromStr>(fields: &mut Fields, name: &str, allowed: &[&str]) -> Result<Option<T>, Problem> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    text.trim().to_ascii_lowercase().parse().map(Some).map_err(|_| Problem::not_allowed(name, &text, allowed))
}

/// A network as `10.0.0.0/8`, or one address.
fn network(text: &str) -> Result<IpNet, Problem> {
    text.parse::<IpNet>()
        .map(|network| network.trunc())
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| {
            Problem::field("networks", "networks like `10.0.0.0/8` or `fd00::/8`, or single addresses")
        })
}

/// Dollars beyond which a person has to approve an order; `always` is each order.
fn approval_over(fields: &mut Fields) -> Result<Option<Decimal>, Problem> {
    let Some(text) = fields.text("approval_over")? else { return Ok(None) };
    let over = match text.trim() {
        "always" => Some(Decimal::ZERO),
        amount => parse_decimal(amount).ok().filter(|amount| !amount.is_sign_negative()),
    };
    let expected = "dollars as text, for example \"1000\", or `always`";
    over.map(Some).ok_or_else(|| Problem::field("approval_over", expected))
}

fn expiry(fields: &mut Fields, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    let at = fields.text("expires_at")?;
    let after = fields.text("expires_in")?;
    let expiry = match (at, after) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(Problem::field("expires_in", "either `expires_at` or `expires_in`, not both"));
        }
        (Some(at), None) => at.trim().parse::<Timestamp>().map_err(|_| {
            Problem::field("expires_at", "an instant with its offset, for example `2026-12-21T15:00:00Z`")
        })?,
        (None, Some(after)) => lifetime::parse(&after)
            .and_then(|lifetime| lifetime::end(now, lifetime))
            .ok_or_else(|| Problem::field("expires_in", lifetime::EXPECTED))?,
    };
    if expiry <= now {
        return Err(Problem::field("expires_at", "an instant in the future"));
    }
    Ok(Some(expiry))
}

/// Refuses limits that contradict one another.
fn check_sense(scope: &Scope) -> Result<(), Problem> {
    let contradiction = |field: &str, detail: String, next_step: &str| {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "contradiction",
            "Limits contradict each other",
            detail,
            next_step,
        )
        .with("field", field)
    };
    if let (Some(order), Some(day)) = (scope.max_order_notional, scope.max_daily_notional)
        && order > day
    {
        return Err(contradiction(
            "max_order_notional",
            format!("one order may be worth ${order}, more than the ${day} of a whole day"),
            "exchange the two, or raise `max_daily_notional`",
        ));
    }
    if let (Some(order), Some(exposure)) = (scope.max_order_notional, scope.max_open_exposure)
        && order > exposure
    {
        return Err(contradiction(
            "max_order_notional",
            format!("one order may be worth ${order}, more than the ${exposure} that may be open at all"),
            "exchange the two, or raise `max_open_exposure`",
        ));
    }
    if let (Some(symbols), Some(classes)) = (&scope.symbols, &scope.asset_classes)
        && let Some(symbol) = symbols.iter().find(|symbol| !classes.contains(&symbol.class()))
    {
        let class: AssetClass = symbol.class();
        return Err(contradiction(
            "asset_classes",
            format!("`{symbol}` is allowed, but its class {class} is not"),
            "add the class to `asset_classes`, or leave that field out",
        ));
    }
    let about_approvals = [
        ("approval_wait", scope.approval_wait.is_some()),
        ("approval_expiry", scope.approval_expiry.is_some()),
        ("approval_price_band", scope.approval_price_band.is_some()),
    ];
    if let (None, Some((field, _))) = (scope.approval_over, about_approvals.iter().find(|(_, set)| *set)) {
        return Err(contradiction(
            field,
            format!("`{field}` is set, but no order needs an approval"),
            "set `approval_over` to dollars or `always`, or leave the field out",
        ));
    }
    if (scope.limits_orders() || scope.only_own_orders) && !allows_orders(scope) {
        return Err(contradiction(
            "preset",
            "there are limits on orders, but the key may place none".to_owned(),
            "use the preset `trader`, allow `order` or `position-close`, or leave the limits out",
        ));
    }
    Ok(())
}

/// Whether any operation that is allowed can bring an order about.
pub(crate) fn allows_orders(scope: &Scope) -> bool {
    let trades = |class| matches!(class, PermissionClass::Order | PermissionClass::PositionClose);
    scope.classes.iter().any(|class| trades(*class))
        || scope
            .operations
            .iter()
            .filter_map(|id| operation::by_id(id))
            .any(|operation| trades(operation.class))
}

/// How many letters must be changed, put in or taken out to make one text of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (position, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], position + 1);
        for (column, candidate) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *candidate);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use paddock_core::scope::PositionRule;
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn scope_of(json: &Value) -> Result<Scope, Problem> {
        let mut fields: Fields = serde_json::from_value(json.clone()).unwrap();
        let scope = read(&mut fields, "2026-11-21T12:00:00Z".parse().unwrap())?;
        fields.finish(&FIELDS)?;
        Ok(scope)
    }

    #[test]
    fn a_full_scope_is_read() {
        let scope = scope_of(&json!({
            "preset": "trader", "allow": ["settings", "getAccount"], "symbols": ["aapl", "BTCUSD"], "data_symbols": ["spy"], "sides": ["BUY"],
            "order_types": ["market", "limit"], "max_order_notional": "1000", "max_daily_notional": "5000.50",
            "order_classes": ["simple"], "times_in_force": ["day", "IOC"], "no_extended_hours": true, "positions": "long_only",
            "hours": "09:45-15:30", "max_order_quantity": "10", "max_price_deviation": "2.5", "max_quote_age": 30,
            "max_daily_orders": 50, "max_open_exposure": "20000", "max_daily_loss": "250", "max_requests_per_minute": 60,
            "expires_in": "30d", "networks": ["10.1.2.3/8", "::1"], "signed": "required",
            "approval_over": "always", "approval_wait": 0, "approval_expiry": 60, "approval_price_band": "0.5",
        }))
        .unwrap();
        assert!(scope.classes.contains(&PermissionClass::Settings));
        assert!(scope.operations.contains("getAccount"));
        assert_eq!(scope.max_requests_per_minute, Some(60));
        assert!(scope.signed.is_some());
        assert_eq!((scope.approval_over, scope.approval_wait), (Some(Decimal::ZERO), Some(0)));
        assert_eq!(
            scope.symbols.unwrap().iter().map(Symbol::as_str).collect::<Vec<_>>(),
            ["AAPL", "BTC/USD"]
        );
        assert_eq!(scope.expires_at.unwrap().to_string(), "2026-12-21T12:00:00Z");
        let networks: Vec<String> = scope.networks.unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "::1/128"]);
    }

    #[rstest]
    #[case(json!({}), "missing_field", "preset")]
    #[case(json!({"preset": "admin"}), "invalid_field", "preset")]
    #[case(json!({"preset": 1}), "invalid_field", "preset")]
    #[case(json!({"allow": []}), "invalid_field", "allow")]
    #[case(json!({"allow": ["buy-everything"]}), "unknown_operation", "allow")]
    #[case(json!({"allow": ["money-out"]}), "money_out_by_name_only", "allow")]
    #[case(json!({"preset": "trader", "symbols": ["AAPL;MSFT"]}), "invalid_field", "symbols")]
    #[case(json!({"preset": "trader", "asset_classes": ["stocks"]}), "invalid_field", "asset_classes")]
    #[case(json!({"preset": "trader", "sides": ["short"]}), "invalid_field", "sides")]
    #[case(json!({"preset": "trader", "order_types": ["iceberg"]}), "invalid_field", "order_types")]
    #[case(json!({"preset": "trader", "times_in_force": ["never"]}), "invalid_field", "times_in_force")]
    #[case(json!({"preset": "trader", "order_classes": ["pair"]}), "invalid_field", "order_classes")]
    #[case(json!({"preset": "trader", "positions": "short"}), "invalid_field", "positions")]
    #[case(json!({"preset": "trader", "hours": "always"}), "invalid_field", "hours")]
    #[case(json!({"preset": "trader", "no_extended_hours": "no"}), "invalid_field", "no_extended_hours")]
    #[case(json!({"preset": "trader", "max_price_deviation": "0"}), "invalid_field", "max_price_deviation")]
    #[case(json!({"preset": "read-only", "positions": "long_only"}), "contradiction", "preset")]
    #[case(json!({"preset": "trader", "max_order_notional": "1e3"}), "invalid_field", "max_order_notional")]
    #[case(json!({"preset": "trader", "max_daily_notional": "0"}), "invalid_field", "max_daily_notional")]
    #[case(json!({"preset": "trader", "max_daily_orders": 0}), "invalid_field", "max_daily_orders")]
    #[case(json!({"preset": "trader", "max_open_exposure": "0"}), "invalid_field", "max_open_exposure")]
    #[case(json!({"preset": "trader", "max_daily_loss": "-1"}), "invalid_field", "max_daily_loss")]
    #[case(json!({"preset": "trader", "max_order_notional": "2", "max_open_exposure": "1"}), "contradiction", "max_order_notional")]
    #[case(json!({"preset": "trader", "max_requests_per_minute": 0}), "invalid_field", "max_requests_per_minute")]
    #[case(json!({"preset": "trader", "expires_in": "soon"}), "invalid_field", "expires_in")]
    #[case(json!({"preset": "trader", "expires_at": "2020-01-01T00:00:00Z"}), "invalid_field", "expires_at")]
    #[case(json!({"preset": "trader", "expires_at": "tomorrow"}), "invalid_field", "expires_at")]
    #[case(json!({"preset": "trader", "expires_at": "2027-01-01T00:00:00Z", "expires_in": "1d"}), "invalid_field", "expires_in")]
    #[case(json!({"preset": "trader", "networks": ["10.0.0.0/33"]}), "invalid_field", "networks")]
    #[case(json!({"preset": "trader", "max_order_notional": "2", "max_daily_notional": "1"}), "contradiction", "max_order_notional")]
    #[case(json!({"preset": "trader", "symbols": ["AAPL"], "asset_classes": ["crypto"]}), "contradiction", "asset_classes")]
    #[case(json!({"preset": "read-only", "sides": ["buy"]}), "contradiction", "preset")]
    #[case(json!({"preset": "read-only", "only_own_orders": true}), "contradiction", "preset")]
    #[case(json!({"preset": "trader", "only_own_orders": "yes"}), "invalid_field", "only_own_orders")]
    fn each_complaint_names_its_field(#[case] body: Value, #[case] code: &str, #[case] field: &str) {
        let problem = scope_of(&body).unwrap_err();
        assert_eq!(problem.code, code);
        assert_eq!(problem.extra["field"], field);
        assert_eq!(problem.status, 422);
        assert!(!problem.next_step.is_empty());
    }

    #[test]
    fn a_slip_of_the_pen_is_recognised() {
        let problem = scope_of(&json!({"allow": ["postorder"]})).unwrap_err();
        assert_eq!(problem.extra["did_you_mean"], "postOrder");
        assert!(problem.next_step.contains("postOrder"));
    }

    /// Every limit there is; without a rest, so that one that is added is here too.
    fn full() -> Scope {
        let set = scope_of(&json!({
            "preset": "trader", "allow": ["getAccount"], "symbols": ["AAPL", "BTC/USD"], "data_symbols": ["SPY"], "sides": ["buy"],
            "asset_classes": ["us_equity", "crypto"], "order_types": ["stop_limit"], "order_classes": ["simple", "oto"],
            "times_in_force": ["day"], "networks": ["10.0.0.0/8", "::1"], "expires_in": "30d",
        }))
        .unwrap();
        Scope {
            classes: set.classes,
            operations: set.operations,
            data_symbols: set.data_symbols,
            symbols: set.symbols,
            asset_classes: set.asset_classes,
            sides: set.sides,
            order_types: set.order_types,
            times_in_force: set.times_in_force,
            order_classes: set.order_classes,
            no_extended_hours: true,
            positions: Some(PositionRule::ReduceOnly),
            only_own_orders: true,
            max_order_quantity: Some("0.50".parse().unwrap()),
            max_price_deviation: Some("2.5".parse().unwrap()),
            max_quote_age: Some(30),
            hours: Some("09:45-15:30".parse().unwrap()),
            max_order_notional: Some("1000.50".parse().unwrap()),
            max_daily_notional: Some("5000".parse().unwrap()),
            max_daily_orders: Some(9),
            max_open_exposure: Some("20000".parse().unwrap()),
            max_daily_loss: Some("250".parse().unwrap()),
            max_requests_per_minute: Some(60),
            expires_at: set.expires_at,
            networks: set.networks,
            // Decided when the key is issued.
            signed: None,
            approval_over: Some("500.5".parse().unwrap()),
            approval_wait: Some(300),
            approval_expiry: Some(60),
            approval_price_band: Some("0.5".parse().unwrap()),
        }
    }

    fn changed(old: &Scope, change: &Value) -> Result<Scope, Problem> {
        let fields: Fields = serde_json::from_value(change.clone()).unwrap();
        // Later than the old scope's end.
        read_change(fields, old, "2030-01-01T00:00:00Z".parse().unwrap())
    }

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        assert_eq!(changed(&full(), &json!({})).unwrap(), full());
        let some = changed(&full(), &json!({"max_daily_orders": 10, "symbols": ["aapl"]})).unwrap();
        let expected = Scope {
            max_daily_orders: Some(10),
            symbols: Some([Symbol::parse("AAPL").unwrap()].into()),
            ..full()
        };
        assert_eq!(some, expected);
    }

    #[test]
    fn every_limit_can_be_lifted() {
        let mut nothing: Map<String, Value> =
            FIELDS.map(|name| (name.to_owned(), Value::Null)).into_iter().collect();
        nothing.insert("allow".to_owned(), json!(["data"]));
        let lifted = changed(&full(), &Value::Object(nothing)).unwrap();
        assert_eq!(lifted, Scope { classes: [PermissionClass::Data].into(), ..Scope::default() });
    }

    #[rstest]
    #[case(json!({"max_notional": null}), "unknown_field")]
    #[case(json!({"preset": null}), "missing_field")]
    #[case(json!({"preset": "read-only"}), "contradiction")]
    #[case(json!({"approval_over": null}), "contradiction")]
    #[case(json!({"approval_over": "-1"}), "invalid_field")]
    #[case(json!({"approval_wait": 301}), "invalid_field")]
    #[case(json!({"signed": "required"}), "signed_for_good")]
    #[case(json!({"max_daily_notional": "1000"}), "contradiction")]
    #[case(json!({"expires_at": "2029-01-01T00:00:00Z"}), "invalid_field")]
    fn a_change_is_held_to_the_same_rules(#[case] change: Value, #[case] code: &str) {
        assert_eq!(changed(&full(), &change).unwrap_err().code, code);
    }

    #[test]
    fn money_out_is_allowed_by_name() {
        let name = operations_of(PermissionClass::MoneyOut).next().unwrap();
        assert!(scope_of(&json!({"allow": [name]})).unwrap().operations.contains(name));
    }

    #[rstest]
    #[case("", "abc", 3)]
    #[case("postorder", "postOrder", 1)]
    #[case("kitten", "sitting", 3)]
    fn distances_count_changes(#[case] one: &str, #[case] other: &str, #[case] expected: usize) {
        assert_eq!(distance(one, other), expected);
    }
}
