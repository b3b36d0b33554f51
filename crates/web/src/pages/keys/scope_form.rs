//! The form of a scope: what a browser sends as the API's fields, and a scope as what stands in the form.
//!
//! The names are the API's. Some choices are easier to make with a field more, which is translated here: hours between two times, an end
//! at a date, approvals.

use jiff::Timestamp;
use paddock_core::scope::{Hours, Preset};
use paddock_core::{PermissionClass, Scope};
use rust_decimal::Decimal;

use crate::api::keys::scope_fields::{self, FIELDS};
use crate::complaints::Complaints;
use crate::fields::{Fields, FormFields};
use crate::pages::form::FormView;
use crate::problem::Problem;

/// The fields of the form that the API does not have.
const HELPERS: [&str; 4] = ["hours_from", "hours_to", "ends", "approval"];

/// Limits that are ticked: each with all its words, which together are no limit.
pub(super) const TICKS: [(&str, &[&str]); 5] = [
    ("sides", &["buy", "sell"]),
    ("asset_classes", &["us_equity", "us_option", "crypto"]),
    ("order_types", &["market", "limit", "stop", "stop_limit", "trailing_stop"]),
    ("order_classes", &["simple", "bracket", "oco", "oto", "mleg"]),
    ("times_in_force", &["day", "gtc", "opg", "cls", "ioc", "fok"]),
];

/// Every name of the form, beside those of a page around it.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.into_iter().chain(HELPERS)
}

/// What was typed, to be shown again.
pub(super) fn kept(form: &FormFields, more: &[&'static str]) -> FormView {
    let names: Vec<&str> = names().chain(more.iter().copied()).collect();
    FormView::keep(form, &names)
}

/// Everything that was typed, to be sent once more.
pub(super) fn typed(form: &FormFields, more: &[&'static str]) -> Vec<(String, String)> {
    let names = names().chain(more.iter().copied());
    names.flat_map(|name| form.typed(name).into_iter().map(move |value| (name.to_owned(), value))).collect()
}

/// What a browser would send of this form.
pub(super) fn sent(form: &FormView) -> Vec<(String, String)> {
    let names = names();
    names
        .flat_map(|name| form.values(name).iter().map(move |value| (name.to_owned(), value.clone())))
        .collect()
}

/// The scope that was typed.
pub(super) fn scope(typed: &[(String, String)], now: Timestamp) -> Result<Scope, Complaints> {
    let ours = |name: &str| names().any(|known| known == name);
    let form = FormFields::of(typed.iter().filter(|(name, _)| ours(name)).cloned());
    let (mut fields, mut complaints) = fields(form, &[]);
    let scope = scope_fields::read(&mut fields, now);
    complaints.hear(fields.finish(&FIELDS));
    complaints.with(scope)
}

/// What was typed as the API's fields, with what is wrong with the form's own. `others` are fields of the page around it.
pub(super) fn fields(mut form: FormFields, others: &[&str]) -> (Fields, Complaints) {
    let mut complaints = Complaints::default();
    for (name, words) in TICKS {
        complaints.hear(ticks(&mut form, name, words));
    }
    complaints.hear(hours(&mut form));
    complaints.hear(ends(&mut form));
    complaints.hear(approval(&mut form));
    for name in HELPERS.iter().chain(others) {
        form.set(name, None);
    }
    (form.0, complaints)
}

/// All ticks together are no limit, and none would let nothing through, which nobody means.
fn ticks(form: &mut FormFields, name: &str, all: &[&str]) -> Result<(), Problem> {
    if !form.0.has(name) {
        return Ok(());
    }
    let typed = form.typed(name);
    if typed.iter().all(|word| word.trim().is_empty()) {
        return Err(Problem::field(name, "at least one tick"));
    }
    if all.iter().all(|word| typed.iter().any(|typed| typed == word)) {
        form.set(name, None);
    }
    Ok(())
}

fn hours(form: &mut FormFields) -> Result<(), Problem> {
    if form.one("hours") != "between" {
        return Ok(());
    }
    let (from, to) = (form.one("hours_from"), form.one("hours_to"));
    if from.is_empty() || to.is_empty() {
        form.set("hours", None);
        return Err(Problem::field("hours", "both times of New York, for example 09:45 and 15:30"));
    }
    form.set("hours", Some(format!("{from}-{to}")));
    Ok(())
}

/// The choice of an end, where there is one: `never`, `at` the instant beside it, or a lifetime.
fn ends(form: &mut FormFields) -> Result<(), Problem> {
    match form.one("ends").as_str() {
        "" => {}
        "never" => {
            form.set("expires_at", None);
            form.set("expires_in", None);
        }
        "at" => {
            form.set("expires_in", None);
            let at = form.one("expires_at");
            if at.is_empty() {
                return Err(Problem::field("expires_at", "a date and a time, or another choice above"));
            }
            // What the browser's own field writes has no zone, and is labelled as UTC.
            if at.len() >= "2026-12-21T15:00".len()
                && !at.ends_with('Z')
                && !at.get(10..).is_some_and(|time| time.contains(['+', '-']))
            {
                form.set("expires_at", Some(format!("{at}Z")));
            }
        }
        lifetime => {
            let lifetime = lifetime.to_owned();
            form.set("expires_at", None);
            form.set("expires_in", Some(lifetime));
        }
    }
    Ok(())
}

fn approval(form: &mut FormFields) -> Result<(), Problem> {
    let amount = form.one("approval_over");
    match form.one("approval").as_str() {
        "never" if !amount.is_empty() => Err(Problem::field(
            "approval_over",
            "an empty field where nobody is asked, or the choice \u{201c}over\u{201d}",
        )),
        "always" => {
            form.set("approval_over", Some("always".to_owned()));
            Ok(())
        }
        "over" if amount.is_empty() => Err(Problem::field("approval_over", "dollars, for example 1000")),
        _ => Ok(()),
    }
}

/// What stands in the form of a new key: trading, for a month, with nothing limited yet.
pub(super) fn blank() -> FormView {
    let form = all_ticked(FormView::blank());
    form.with("preset", "trader").with("ends", "30d").with("approval", "never")
}

fn all_ticked(form: FormView) -> FormView {
    TICKS
        .iter()
        .fold(form, |form, (name, words)| form.with_all(name, words.iter().map(|word| (*word).to_owned())))
}

/// A scope as it stands in the form.
pub(super) fn filled(scope: &Scope) -> FormView {
    let mut form = all_ticked(FormView::blank());
    form = acts(form, scope);
    form = ticked(form, scope);
    let list = |items: Option<Vec<String>>| items.unwrap_or_default().join(", ");
    let texts = |set: &Option<std::collections::BTreeSet<paddock_core::Symbol>>| {
        set.as_ref().map(|set| set.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let amount =
        |amount: Option<Decimal>| amount.map(|amount| amount.normalize().to_string()).unwrap_or_default();
    let count = |count: Option<u32>| count.map(|count| count.to_string()).unwrap_or_default();
    let flag = |flag: bool| if flag { "on" } else { "" };
    let networks = scope.networks.as_ref().map(|networks| networks.iter().map(ToString::to_string).collect());
    form.with("symbols", list(texts(&scope.symbols)))
        .with("data_symbols", list(texts(&scope.data_symbols)))
        .with("networks", list(networks))
        .with("no_extended_hours", flag(scope.no_extended_hours))
        .with("only_own_orders", flag(scope.only_own_orders))
        .with("positions", scope.positions.map_or("", |rule| rule.as_str()))
        .with("max_order_quantity", amount(scope.max_order_quantity))
        .with("max_price_deviation", amount(scope.max_price_deviation))
        .with("max_quote_age", count(scope.max_quote_age))
        .with("max_order_notional", amount(scope.max_order_notional))
        .with("max_daily_notional", amount(scope.max_daily_notional))
        .with("max_daily_orders", count(scope.max_daily_orders))
        .with("max_open_exposure", amount(scope.max_open_exposure))
        .with("max_daily_loss", amount(scope.max_daily_loss))
        .with("max_requests_per_minute", count(scope.max_requests_per_minute))
        .with("approval_wait", count(scope.approval_wait))
        .with("approval_expiry", count(scope.approval_expiry))
        .with("approval_price_band", amount(scope.approval_price_band))
        .with_hours(scope.hours)
        .with_end(scope.expires_at)
        .with_approval(scope.approval_over)
}

/// A preset where it says it all, otherwise the classes and operations.
fn acts(form: FormView, scope: &Scope) -> FormView {
    let same = Preset::ALL.iter().find(|(_, preset)| {
        let mut of_it = Scope::default();
        preset.apply(&mut of_it);
        of_it.classes == scope.classes && of_it.operations == scope.operations
    });
    match same {
        Some((name, _)) => form.with("preset", *name),
        None => {
            let classes = scope.classes.iter().filter(|class| **class != PermissionClass::MoneyOut);
            let classes = classes.map(|class| class.as_str().to_owned());
            form.with_all("allow", classes.chain(scope.operations.iter().cloned()))
        }
    }
}

fn ticked(form: FormView, scope: &Scope) -> FormView {
    let words = |texts: Option<Vec<&str>>| {
        texts.map(|texts| texts.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let sets = [
        ("sides", words(scope.sides.as_ref().map(|set| set.iter().map(|word| word.as_str()).collect()))),
        (
            "asset_classes",
            words(scope.asset_classes.as_ref().map(|set| set.iter().map(|word| word.as_str()).collect())),
        ),
        (
            "order_types",
            words(scope.order_types.as_ref().map(|set| set.iter().map(|word| word.as_str()).collect())),
        ),
        (
            "order_classes",
            words(scope.order_classes.as_ref().map(|set| set.iter().map(|word| word.as_str()).collect())),
        ),
        (
            "times_in_force",
            words(scope.times_in_force.as_ref().map(|set| set.iter().map(|word| word.as_str()).collect())),
        ),
    ];
    sets.into_iter().fold(form, |form, (name, set)| match set {
        Some(set) => form.with_all(name, set),
        None => form,
    })
}

/// How an end stands in the browser's own field.
pub(super) fn end_text(end: Timestamp) -> String {
    let format = if end.as_second() % 60 == 0 { "%Y-%m-%dT%H:%M" } else { "%Y-%m-%dT%H:%M:%S" };
    end.strftime(format).to_string()
}

trait Choices {
    fn with_hours(self, hours: Option<Hours>) -> Self;
    fn with_end(self, end: Option<Timestamp>) -> Self;
    fn with_approval(self, over: Option<Decimal>) -> Self;
}

impl Choices for FormView {
    fn with_hours(self, hours: Option<Hours>) -> Self {
        match hours {
            None => self,
            Some(Hours::Regular) => self.with("hours", "regular"),
            Some(Hours::Between(from, to)) => self
                .with("hours", "between")
                .with("hours_from", from.strftime("%H:%M").to_string())
                .with("hours_to", to.strftime("%H:%M").to_string()),
        }
    }

    fn with_end(self, end: Option<Timestamp>) -> Self {
        match end {
            None => self.with("ends", "never"),
            Some(end) => self.with("ends", "at").with("expires_at", end_text(end)),
        }
    }

    fn with_approval(self, over: Option<Decimal>) -> Self {
        match over {
            None => self.with("approval", "never"),
            Some(over) if over.is_zero() => self.with("approval", "always"),
            Some(over) => self.with("approval", "over").with("approval_over", over.normalize().to_string()),
        }
    }
}
