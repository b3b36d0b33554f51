//! Which requests are meant, as it stands in an address.

use paddock_core::decide::ReasonCode;
use paddock_store::{ActivityDecision, ActivityQuery, Sender};

use crate::api::audit::when;
use crate::api::connections::ever_named;
use crate::desk::Desk;
use crate::problem::Problem;
use crate::query::{Query, bad};

/// The parameters that filter.
pub(crate) const FILTERS: [&str; 10] =
    ["key", "person", "connection", "decision", "reason", "operation", "symbol", "order", "from", "to"];

/// The longest text that a filter may have.
const LONGEST: usize = 128;

/// What was asked for, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The name of an access key.
    pub(crate) key: Option<String>,
    /// The name of a person.
    pub(crate) person: Option<String>,
    /// The name of a connection, or the identifier of one that was removed.
    pub(crate) connection: Option<String>,
    /// `permitted`, `held` or `refused`.
    pub(crate) decision: Option<String>,
    /// The name of a reason.
    pub(crate) reason: Option<String>,
    /// Alpaca's operationId.
    pub(crate) operation: Option<String>,
    /// A symbol.
    pub(crate) symbol: Option<String>,
    /// The identifier of a request or an order, or a client order id.
    pub(crate) order: Option<String>,
    /// A day or an instant.
    pub(crate) from: Option<String>,
    /// A day or an instant.
    pub(crate) to: Option<String>,
}

impl Filter {
    /// Takes the filters out of a query. An empty one, as a form sends it, is none.
    pub(crate) fn take(query: &mut Query) -> Result<Self, Problem> {
        let mut text = |name: &str| -> Result<Option<String>, Problem> {
            let given = query.text(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            match given {
                Some(text) if text.chars().count() > LONGEST || text.chars().any(char::is_control) => {
                    Err(bad(name, &format!("at most {LONGEST} characters on one line")))
                }
                given => Ok(given),
            }
        };
        Ok(Self {
            key: text("key")?,
            person: text("person")?,
            connection: text("connection")?,
            decision: text("decision")?,
            reason: text("reason")?,
            operation: text("operation")?,
            symbol: text("symbol")?,
            order: text("order")?,
            from: text("from")?,
            to: text("to")?,
        })
    }

    /// The filters that are set, by name.
    pub(crate) fn pairs(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("key", &self.key),
            ("person", &self.person),
            ("connection", &self.connection),
            ("decision", &self.decision),
            ("reason", &self.reason),
            ("operation", &self.operation),
            ("symbol", &self.symbol),
            ("order", &self.order),
            ("from", &self.from),
            ("to", &self.to),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }

    /// What the database is asked.
    pub(crate) async fn query(&self, desk: &Desk) -> Result<ActivityQuery, Problem> {
        if self.key.is_some() && self.person.is_some() {
            return Err(bad("person", "either `key` or `person`, not both"));
        }
        let decision = match self.decision.as_deref() {
            None => None,
            Some(text) => {
                let known = text.parse::<ActivityDecision>();
                Some(known.map_err(|_| bad("decision", "`permitted`, `held` or `refused`"))?)
            }
        };
        if let Some(reason) = &self.reason
            && !known_reasons().any(|known| known == reason)
        {
            return Err(bad("reason", "the name of a reason, for example `symbol_not_allowed`"));
        }
        let instant = |name: &str, text: &Option<String>, read: fn(&str) -> Option<jiff::Timestamp>| {
            text.as_deref().map(|text| read(text).ok_or_else(|| bad(name, when::EXPECTED))).transpose()
        };
        let connection = match &self.connection {
            None => None,
            Some(name) => Some(ever_named(desk, name).await?.id),
        };
        let sender = match (&self.key, &self.person) {
            (Some(_), _) => Some(Sender::AccessKey),
            // Whoever is at the command line of this machine has no name of their own.
            (_, Some(name)) if name == "operator" => Some(Sender::Operator),
            (_, Some(name)) if name == "paddock" => Some(Sender::System),
            (_, Some(_)) => Some(Sender::Person),
            (None, None) => None,
        };
        Ok(ActivityQuery {
            sender,
            who: self.key.clone().or_else(|| self.person.clone()),
            connection,
            decision,
            reason: self.reason.clone(),
            operation: self.operation.clone(),
            symbol: self.symbol.clone(),
            order: self.order.clone(),
            from: instant("from", &self.from, when::parse_start)?,
            to: instant("to", &self.to, when::parse_end)?,
            ..ActivityQuery::of(desk.user)
        })
    }
}

/// Every reason that a request can be refused for.
pub(crate) fn known_reasons() -> impl Iterator<Item = &'static str> {
    let of_approvals = ["approval_denied", "approval_expired", "approval_frozen", "approval_revoked"];
    ReasonCode::ALL.iter().map(|reason| reason.as_str()).chain(of_approvals)
}
