//! What is in memory: the last requests of every kind since the start, reads included.

use jiff::Timestamp;
use paddock_gateway::{Outcome, RequestLine};

use super::{Row, operation_words};
use crate::api::activity::Filter;
use crate::desk::Desk;
use crate::pages::rows::{decision, told};
use crate::pages::text::{Moment, latency};

/// How many are shown.
const SHOWN: usize = 200;

/// The last requests that fit the filter, as far as they are the visitor's to see.
pub(super) fn rows(desk: &Desk, filter: &Filter, now: Timestamp) -> Vec<Row> {
    let lines = desk.control.recent_of(desk.user, usize::MAX).into_iter();
    lines.filter(|line| fits(line, filter)).take(SHOWN).map(|line| row(line, now)).collect()
}

fn fits(line: &RequestLine, filter: &Filter) -> bool {
    let reason = match &line.outcome {
        Outcome::Refused { reason, .. } | Outcome::Failed { reason, .. } => Some(reason),
        Outcome::Permitted | Outcome::Unauthenticated => None,
    };
    let plain = |text: &str| text.replace("%2F", "").replace('/', "").to_ascii_uppercase();
    let words = line.summary.clone().unwrap_or_default();
    let named: Vec<String> = words.split([' ', ',']).chain(line.path.split('/')).map(plain).collect();
    let is = |wanted: &Option<String>, value: Option<&str>| {
        wanted.as_deref().is_none_or(|wanted| value == Some(wanted))
    };
    is(&filter.key, line.key_name.as_deref())
        && is(&filter.person, line.person.as_deref())
        && is(&filter.connection, line.connection.as_deref())
        && is(&filter.decision, Some(decision(&line.outcome)))
        && is(&filter.reason, reason.map(String::as_str))
        && is(&filter.operation, line.operation)
        && filter.symbol.as_deref().is_none_or(|symbol| named.contains(&plain(symbol)))
        && filter.order.as_deref().is_none_or(|id| line.request.to_string() == id || line.path.contains(id))
}

fn row(line: RequestLine, now: Timestamp) -> Row {
    let class = decision(&line.outcome);
    let verdict = if class == "unauthenticated" { "no valid key" } else { class };
    let (reason, message) = told(line.outcome);
    // Reads are not kept, and neither is what nobody sent.
    let changes = line.method != "GET" || matches!(class, "refused" | "held");
    Row {
        id: line.request.to_string(),
        at: Moment::clock(line.at, now),
        key_link: line.key_name.as_ref().map(|name| format!("/keys/{name}")),
        who: line.person.or(line.key_name),
        kept: changes && line.user.is_some() && class != "unauthenticated" && class != "failed",
        connection: line.connection,
        environment: line.environment.map(|environment| environment.as_str()),
        network: line.network.map(|network| network.to_string()),
        act: line
            .summary
            .unwrap_or_else(|| line.operation.map_or_else(String::new, |id| operation_words(id).to_owned())),
        target: format!("{} {}", line.method, line.path),
        class,
        verdict,
        reason,
        message,
        status: line.status.to_string(),
        latency: latency(line.micros),
    }
}
