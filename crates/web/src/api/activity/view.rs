//! A request as it is shown.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use paddock_core::Environment;
use paddock_core::id::ConnectionId;
use paddock_store::{Activity, Connection};
use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::Desk;
use crate::document::words;
use crate::problem::Problem;

/// One request.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ActivityEntry)]
pub(crate) struct RequestView {
    /// Its identifier, as in the audit and in the answer's `X-Paddock-Request-Id`.
    #[schema(value_type = words::Id)]
    pub(crate) request: String,
    /// When it came.
    pub(crate) at: Timestamp,
    /// `access_key`, `person`, `operator` (the command line of this machine) or `system` (Paddock itself).
    #[schema(value_type = words::SenderWord)]
    pub(crate) sender: &'static str,
    /// The name of the access key or person.
    pub(crate) who: String,
    /// The connection's name; one that was removed keeps it.
    #[schema(required)]
    pub(crate) connection: Option<String>,
    /// Alpaca's world.
    #[schema(required, value_type = Option<words::EnvironmentWord>)]
    pub(crate) environment: Option<Environment>,
    /// Alpaca's operationId.
    pub(crate) operation: String,
    /// Method and path.
    pub(crate) target: String,
    /// The order in one line.
    #[schema(required)]
    pub(crate) summary: Option<String>,
    /// Where it came from.
    #[schema(required)]
    pub(crate) network: Option<String>,
    /// `permitted`, `held` or `refused`.
    #[schema(value_type = words::ActivityDecisionWord)]
    pub(crate) decision: &'static str,
    /// Why it was refused or held.
    #[schema(required)]
    pub(crate) reason: Option<String>,
    /// The sentence that was answered.
    #[schema(required)]
    pub(crate) message: Option<String>,
    /// The numbers behind it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) numbers: BTreeMap<String, String>,
    /// What Alpaca made of a permitted one: `sent` (no answer yet), `done`, `failed` or `unknown`.
    #[schema(required, value_type = Option<words::StepStateWord>)]
    pub(crate) state: Option<&'static str>,
    /// The HTTP status of Alpaca's answer.
    #[schema(required)]
    pub(crate) status: Option<u16>,
    /// Microseconds from its arrival to Alpaca's answer; absent where there was none, or a person was waited for.
    #[schema(required)]
    pub(crate) micros: Option<u64>,
    /// Alpaca's order id.
    #[schema(required)]
    pub(crate) order_id: Option<String>,
    /// The client order id.
    #[schema(required)]
    pub(crate) client_order_id: Option<String>,
}

/// The names of connections, those that were removed included.
pub(crate) struct Names(HashMap<ConnectionId, Connection>);

impl Names {
    /// Of all that these rows name.
    pub(crate) async fn of(desk: &Desk, rows: &[Activity]) -> Result<Self, Problem> {
        let mut known: HashMap<ConnectionId, Connection> = desk
            .store
            .connections(desk.user)
            .await?
            .into_iter()
            .map(|connection| (connection.id, connection))
            .collect();
        for id in rows.iter().filter_map(|row| row.connection) {
            if !known.contains_key(&id)
                && let Some(removed) = desk.store.connection(id).await?
            {
                known.insert(id, removed);
            }
        }
        Ok(Self(known))
    }

    pub(crate) fn view(&self, row: Activity) -> RequestView {
        let connection = row.connection.and_then(|id| self.0.get(&id));
        let waited = row.answered_at.map(|answered| answered.duration_since(row.at).as_micros());
        // A held request is answered whenever its person comes, which says nothing of Alpaca.
        let micros =
            waited.and_then(|micros| u64::try_from(micros).ok()).filter(|micros| *micros < 120_000_000);
        RequestView {
            request: row.request.to_string(),
            at: row.at,
            sender: row.sender.as_str(),
            who: row.who,
            connection: connection.map(|connection| connection.name.clone()),
            environment: connection.map(|connection| connection.environment),
            operation: row.operation,
            target: row.target,
            summary: row.summary,
            network: row.network.map(|network| network.to_string()),
            decision: row.decision.as_str(),
            reason: row.reason,
            message: row.message,
            numbers: row.numbers,
            state: row.state.map(paddock_store::StepState::as_str),
            status: row.status,
            micros,
            order_id: row.order_id,
            client_order_id: row.client_order_id,
        }
    }
}
