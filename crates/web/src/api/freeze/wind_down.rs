//! What freezes do about open orders and positions, as it is shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use paddock_core::audit::WindDown;
use paddock_store::{Phase, Step, StepAct, StepState, WindDownRow};
use serde::Serialize;
use utoipa::ToSchema;

use crate::document::words;

/// What a freeze does about one connection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WindDown)]
pub(crate) struct WindDownView {
    /// The position of the freeze's audit record.
    freeze: u64,
    /// The connection's name.
    #[schema(required)]
    pub(crate) connection: Option<String>,
    /// The access key whose orders alone are meant.
    #[schema(required)]
    key: Option<String>,
    #[schema(value_type = words::WindDownKind)]
    pub(crate) kind: WindDown,
    #[schema(value_type = words::PhaseWord)]
    pub(crate) phase: Phase,
    /// What there is to say about it.
    #[schema(required)]
    pub(crate) note: Option<String>,
    pub(crate) started_at: Timestamp,
    #[schema(required)]
    ended_at: Option<Timestamp>,
    pub(crate) orders: Vec<OrderLine>,
    pub(crate) positions: Vec<PositionLine>,
}

/// What became of one order, as in Alpaca's answer to canceling all.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WindDownOrder)]
pub(crate) struct OrderLine {
    pub(crate) id: String,
    #[schema(required)]
    status: Option<u16>,
    #[schema(value_type = words::StepStateWord)]
    pub(crate) state: StepState,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// What became of one position, as in Alpaca's answer to closing all.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WindDownPosition)]
pub(crate) struct PositionLine {
    pub(crate) symbol: String,
    #[schema(required)]
    status: Option<u16>,
    #[schema(value_type = words::StepStateWord)]
    pub(crate) state: StepState,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

impl WindDownView {
    /// The view; of what was tried more than once, the last attempt. `name` gives the names of connections and access keys.
    pub(crate) fn new(row: &WindDownRow, steps: Vec<Step>, name: impl Fn(&str) -> Option<String>) -> Self {
        let (mut orders, mut positions) = (BTreeMap::new(), BTreeMap::new());
        for step in steps {
            let all = step.act == StepAct::Cancel && step.target == paddock_gateway::ALL_ORDERS;
            // What came of each order says more than that all were asked for.
            if all && step.state == StepState::Done {
                continue;
            }
            match step.act {
                StepAct::Cancel => _ = orders.insert(step.target.clone(), step),
                StepAct::Close => _ = positions.insert(step.target.clone(), step),
            }
        }
        let order = |step: Step| OrderLine {
            id: step.target,
            status: step.status,
            state: step.state,
            detail: step.detail,
        };
        let position = |step: Step| PositionLine {
            symbol: step.target,
            status: step.status,
            state: step.state,
            order_id: step.order_id,
            detail: step.detail,
        };
        Self {
            freeze: row.freeze,
            connection: name(&row.connection.to_string()),
            key: row.key.and_then(|key| name(&key.to_string())),
            kind: row.kind,
            phase: row.phase,
            note: row.note.clone(),
            started_at: row.started_at,
            ended_at: row.ended_at,
            orders: orders.into_values().map(order).collect(),
            positions: positions.into_values().map(position).collect(),
        }
    }
}
