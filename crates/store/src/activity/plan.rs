//! Statements with just the conditions that are asked for, so that the database finds an index for each of them.

use sqlx::AssertSqlSafe;

use super::{ActivityQuery, COLUMNS, RecordQuery, bounded, plain_symbol};
use crate::StoreError;
use crate::codec::{bigint, micros};
use crate::db::{Tx, TxOn};

/// A statement and what is bound to it.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) text: String,
    pub(super) binds: Vec<Bind>,
}

#[derive(Clone, Debug)]
pub(super) enum Bind {
    Text(String),
    Int(i64),
}

/// Conditions as they are gathered.
#[derive(Default)]
struct Conditions {
    texts: Vec<String>,
    binds: Vec<Bind>,
}

impl Conditions {
    /// Binds a value and gives its place.
    fn bind(&mut self, bind: Bind) -> String {
        self.binds.push(bind);
        format!("${}", self.binds.len())
    }

    fn text(&mut self, column: &str, text: impl Into<String>) {
        let place = self.bind(Bind::Text(text.into()));
        self.texts.push(format!("{column} = {place}"));
    }

    fn int(&mut self, condition: &str, value: i64) {
        let place = self.bind(Bind::Int(value));
        self.texts.push(format!("{condition} {place}"));
    }
}

impl Plan {
    /// The rows that lead to others come first: `CROSS JOIN` keeps SQLite to that order.
    pub(super) fn of_activity(query: &ActivityQuery) -> Self {
        let mut all = Conditions::default();
        // Those with the right identifier, or the right symbol, are few; the list is in their order then.
        let mut lead = "a";
        let from = if let Some(order) = &query.order {
            let place = all.bind(Bind::Text(order.trim().to_owned()));
            all.texts.push("a.request_id = o.id".to_owned());
            all.text("a.user_id", query.user.to_string());
            format!(
                "(SELECT request_id AS id FROM activity WHERE order_id = {place}
                  UNION SELECT request_id FROM activity WHERE client_order_id = {place}
                  UNION SELECT request_id FROM activity WHERE request_id = {place}) AS o CROSS JOIN activity AS a"
            )
        } else if let Some(symbol) = &query.symbol {
            lead = "s";
            all.text("s.user_id", query.user.to_string());
            all.text("s.symbol", plain_symbol(symbol));
            all.texts.push("a.request_id = s.request_id".to_owned());
            "activity_symbols AS s CROSS JOIN activity AS a".to_owned()
        } else {
            all.text("a.user_id", query.user.to_string());
            "activity AS a".to_owned()
        };
        if let (Some(symbol), true) = (&query.symbol, query.order.is_some()) {
            let place = all.bind(Bind::Text(plain_symbol(symbol)));
            all.texts.push(format!(
                "EXISTS (SELECT 1 FROM activity_symbols AS s WHERE s.request_id = a.request_id AND s.symbol = {place})"
            ));
        }
        let connection = query.connection.map(|id| id.to_string());
        let sender = query.sender.map(|sender| sender.as_str().to_owned());
        let decision = query.decision.map(|decision| decision.as_str().to_owned());
        for (column, value) in [
            ("a.actor", &sender),
            ("a.who", &query.who),
            ("a.connection_id", &connection),
            ("a.decision", &decision),
            ("a.reason", &query.reason),
            ("a.operation", &query.operation),
        ] {
            if let Some(value) = value {
                all.text(column, value.as_str());
            }
        }
        if let Some(from) = query.from {
            all.int(&format!("{lead}.at >="), micros(from));
        }
        if let Some(to) = query.to {
            all.int(&format!("{lead}.at <"), micros(to));
        }
        if let Some(cursor) = query.before {
            let at = all.bind(Bind::Int(micros(cursor.at)));
            let seq = all.bind(Bind::Int(bigint(cursor.seq)));
            all.texts.push(format!("{lead}.at <= {at} AND ({lead}.at < {at} OR {lead}.seq < {seq})"));
        }
        let limit = all.bind(Bind::Int(bounded(query.limit)));
        let text = format!(
            "SELECT {COLUMNS} FROM {from} WHERE {} ORDER BY {lead}.at DESC, {lead}.seq DESC LIMIT {limit}",
            all.texts.join(" AND ")
        );
        Self { text, binds: all.binds }
    }

    pub(super) fn of_records(query: &RecordQuery) -> Self {
        let mut all = Conditions::default();
        all.text("r.user_id", query.user.to_string());
        all.texts.push("a.seq = r.seq".to_owned());
        for (column, value) in [("r.event_name", &query.event), ("r.actor", &query.actor)] {
            if let Some(value) = value {
                all.text(column, value.as_str());
            }
        }
        if let Some(from) = query.from {
            all.int("r.at >=", micros(from));
        }
        if let Some(to) = query.to {
            all.int("r.at <", micros(to));
        }
        if let Some(before) = query.before {
            all.int("r.seq <", bigint(before));
        }
        if let Some(after) = query.after {
            all.int("r.seq >", bigint(after));
        }
        let order = if query.after.is_some() { "ASC" } else { "DESC" };
        let limit = all.bind(Bind::Int(bounded(query.limit)));
        let text = format!(
            "SELECT a.seq, a.at, a.actor, a.event_name, a.event, a.previous, a.hash
             FROM activity_records AS r CROSS JOIN audit AS a WHERE {} ORDER BY r.seq {order} LIMIT {limit}",
            all.texts.join(" AND ")
        );
        Self { text, binds: all.binds }
    }

    pub(super) async fn fetch<R>(self, tx: &mut Tx) -> Result<Vec<R>, StoreError>
    where
        R: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow>
            + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>
            + Send
            + Unpin,
    {
        // Its text is made of this file's own words; what comes from outside is bound.
        let statement = AssertSqlSafe(self.text);
        macro_rules! fetch {
            ($tx:ident) => {{
                let mut query = sqlx::query_as(statement);
                for bind in self.binds {
                    query = match bind {
                        Bind::Text(text) => query.bind(text),
                        Bind::Int(number) => query.bind(number),
                    };
                }
                query.fetch_all(&mut **$tx).await
            }};
        }
        let rows = match &mut tx.on {
            TxOn::Sqlite(tx) => fetch!(tx),
            TxOn::Postgres(tx) => fetch!(tx),
        };
        Ok(rows?)
    }
}
