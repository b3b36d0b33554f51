//! The tables of a backup and how a row becomes a line of JSON. A test compares the list with the database.

use serde_json::{Map, Value};
use sqlx::{ColumnIndex, Database, Decode, Row, Type};

use Kind::{Bool, Bytes, Int, Text};

/// One table.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The primary key, which orders the rows.
    pub(crate) key: &'static str,
    /// Whether it has one row from the start, which a restore overwrites.
    pub(crate) seeded: bool,
    pub(crate) columns: &'static [(&'static str, Kind)],
}

/// What a column holds. Any may be null, as far as the table allows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Int,
    Bool,
    Bytes,
}

/// The value of one column of one row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(Option<bool>),
    Bytes(Option<Vec<u8>>),
}

/// All tables, each after those that it refers to, but for those that are made from the audit chain (`activity…`) and are made again.
pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "users",
        key: "id",
        seeded: false,
        columns: &[("id", Text), ("created_at", Int), ("name", Text)],
    },
    Table {
        name: "persons",
        key: "id",
        seeded: false,
        columns: &[
            ("id", Text),
            ("user_id", Text),
            ("name", Text),
            ("role", Text),
            ("password", Text),
            ("created_at", Int),
            ("removed_at", Int),
        ],
    },
    Table {
        name: "sessions",
        key: "id",
        seeded: false,
        columns: &[
            ("id", Text),
            ("token_hash", Bytes),
            ("person_id", Text),
            ("created_at", Int),
            ("last_seen_at", Int),
            ("expires_at", Int),
            ("network", Text),
            ("user_agent", Text),
            ("factor_at", Int),
        ],
    },
    Table {
        name: "links",
        key: "id",
        seeded: false,
        columns: &[
            ("id", Text),
            ("token_hash", Bytes),
            ("kind", Text),
            ("user_id", Text),
            ("invited_by", Text),
            ("team_name", Text),
            ("role", Text),
            ("person_id", Text),
            ("label", Text),
            ("actor", Text),
            ("created_at", Int),
            ("expires_at", Int),
        ],
    },
    Table {
        name: "deks",
        key: "id",
        seeded: false,
        columns: &[("id", Text), ("user_id", Text), ("wrapped", Bytes), ("seals", Int), ("created_at", Int)],
    },
    Table {
        name: "connections",
        key: "id",
        seeded: false,
        columns: &[
            ("id", Text),
            ("user_id", Text),
            ("name", Text),
            ("environment", Text),
            ("account_id", Text),
            ("account_number", Text),
            ("status", Text),
            ("active", Bool),
            ("frozen", Bool),
            ("created_at", Int),
            ("checked_at", Int),
            ("credential_version", Int),
            ("removed_at", Int),
        ],
    },
    Table {
        name: "credentials",
        key: "connection_id, version",
        seeded: false,
        columns: &[
            ("connection_id", Text),
            ("version", Int),
            ("dek_id", Text),
            ("key_id", Bytes),
            ("secret_key", Bytes),
            ("key_id_fingerprint", Bytes),
            ("secret_fingerprint", Bytes),
            ("created_at", Int),
            ("kind", Text),
            ("oauth_token", Bytes),
            ("oauth_scopes", Text),
        ],
    },
    Table {
        name: "oauth_attempts",
        key: "id",
        seeded: false,
        columns: &[
            ("id", Text),
            ("state_hash", Bytes),
            ("session_id", Text),
            ("user_id", Text),
            ("environment", Text),
            ("connection_id", Text),
            ("name", Text),
            ("text", Text),
            ("text_sha256", Text),
            ("signed_name", Text),
            ("created_at", Int),
            ("expires_at", Int),
            ("used_at", Int),
            ("problem", Text),
        ],
    },
    Table {
        name: "attestations",
        key: "connection_id",
        seeded: false,
        columns: &[
            ("connection_id", Text),
            ("text", Text),
            ("text_sha256", Text),
            ("signed_name", Text),
            ("actor", Text),
            ("at", Int),
        ],
    },
    Table {
        name: "access_keys",
        key: "id",
        seeded: false,
        columns: &[
            ("id", Text),
            ("user_id", Text),
            ("connection_id", Text),
            ("name", Text),
            ("key_id", Text),
            ("secret_hash", Bytes),
            ("scope", Text),
            ("frozen", Bool),
            ("created_at", Int),
            ("revoked_at", Int),
            ("last_used_at", Int),
        ],
    },
    Table { name: "everything", key: "id", seeded: true, columns: &[("id", Int), ("frozen", Bool)] },
    Table { name: "pulse", key: "id", seeded: true, columns: &[("id", Int), ("at", Int)] },
    Table {
        name: "usage",
        key: "access_key_id, day",
        seeded: false,
        columns: &[("access_key_id", Text), ("day", Text), ("orders", Int), ("notional", Text)],
    },
    Table {
        name: "reservations",
        key: "request_id",
        seeded: false,
        columns: &[
            ("request_id", Text),
            ("access_key_id", Text),
            ("connection_id", Text),
            ("day", Text),
            ("at", Int),
            ("actor", Text),
            ("operation", Text),
            ("client_order_id", Text),
            ("orders", Int),
            ("notional", Text),
            ("order_total", Text),
            ("state", Text),
            ("status", Int),
            ("order_id", Text),
            ("settled_at", Int),
        ],
    },
    Table {
        name: "freezes",
        key: "subject",
        seeded: false,
        columns: &[
            ("subject", Text),
            ("what", Text),
            ("passes", Text),
            ("reason", Text),
            ("actor", Text),
            ("at", Int),
        ],
    },
    Table {
        name: "wind_downs",
        key: "freeze_seq, connection_id",
        seeded: false,
        columns: &[
            ("freeze_seq", Int),
            ("connection_id", Text),
            ("subject", Text),
            ("access_key_id", Text),
            ("kind", Text),
            ("phase", Text),
            ("actor", Text),
            ("started_at", Int),
            ("node", Text),
            ("lease_until", Int),
            ("note", Text),
            ("ended_at", Int),
        ],
    },
    Table {
        name: "wind_down_steps",
        key: "request_id",
        seeded: false,
        columns: &[
            ("request_id", Text),
            ("freeze_seq", Int),
            ("connection_id", Text),
            ("act", Text),
            ("target", Text),
            ("state", Text),
            ("status", Int),
            ("detail", Text),
            ("order_id", Text),
            ("at", Int),
        ],
    },
    Table {
        name: "signs_of_life",
        key: "name",
        seeded: false,
        columns: &[("name", Text), ("last_at", Int), ("armed", Bool), ("grace_until", Int)],
    },
    Table {
        name: "signing_keys",
        key: "access_key_id",
        seeded: false,
        columns: &[
            ("access_key_id", Text),
            ("dek_id", Text),
            ("version", Int),
            ("sealed", Bytes),
            ("created_at", Int),
        ],
    },
    Table {
        name: "second_factors",
        key: "person_id",
        seeded: false,
        columns: &[
            ("person_id", Text),
            ("user_id", Text),
            ("dek_id", Text),
            ("version", Int),
            ("sealed", Bytes),
            ("created_at", Int),
            ("confirmed_at", Int),
            ("last_step", Int),
        ],
    },
    Table {
        name: "recovery_codes",
        key: "person_id, hash",
        seeded: false,
        columns: &[("person_id", Text), ("hash", Bytes), ("used_at", Int)],
    },
    Table {
        name: "api_tokens",
        key: "id",
        seeded: false,
        columns: &[
            ("id", Text),
            ("person_id", Text),
            ("name", Text),
            ("secret_hash", Bytes),
            ("role", Text),
            ("may_without_factor", Bool),
            ("networks", Text),
            ("created_at", Int),
            ("expires_at", Int),
            ("revoked_at", Int),
            ("last_used_at", Int),
            ("last_used_from", Text),
        ],
    },
    Table {
        name: "idempotency_keys",
        key: "who, key",
        seeded: false,
        columns: &[
            ("who", Text),
            ("key", Text),
            ("request_hash", Bytes),
            ("run", Text),
            ("at", Int),
            ("status", Int),
            ("content_type", Text),
            ("body", Bytes),
        ],
    },
    Table {
        name: "used_signatures",
        key: "signature",
        seeded: false,
        columns: &[("signature", Bytes), ("access_key_id", Text), ("at", Int)],
    },
    Table {
        name: "hand_requests",
        key: "request_id",
        seeded: false,
        columns: &[
            ("request_id", Text),
            ("connection_id", Text),
            ("actor", Text),
            ("operation", Text),
            ("target", Text),
            ("wanted", Text),
            ("once", Text),
            ("state", Text),
            ("status", Int),
            ("order_id", Text),
            ("detail", Text),
            ("at", Int),
            ("settled_at", Int),
        ],
    },
    Table {
        name: "trading",
        key: "user_id",
        seeded: false,
        columns: &[
            ("user_id", Text),
            ("mode", Text),
            ("paused", Bool),
            ("reason", Text),
            ("actor", Text),
            ("at", Int),
        ],
    },
    Table {
        name: "approvals",
        key: "id",
        seeded: false,
        columns: &[
            ("id", Text),
            ("request_id", Text),
            ("access_key_id", Text),
            ("connection_id", Text),
            ("request_hash", Bytes),
            ("operation", Text),
            ("method", Text),
            ("target", Text),
            ("body", Bytes),
            ("network", Text),
            ("summary", Text),
            ("notional", Text),
            ("market_price", Text),
            ("price_band", Text),
            ("requested_at", Int),
            ("expires_at", Int),
            ("state", Text),
            ("ended_at", Int),
            ("ended_by", Text),
            ("reason", Text),
            ("answer_status", Int),
            ("answer", Bytes),
        ],
    },
    Table {
        name: "placed_orders",
        key: "connection_id, order_id",
        seeded: false,
        columns: &[
            ("connection_id", Text),
            ("order_id", Text),
            ("access_key_id", Text),
            ("client_order_id", Text),
            ("at", Int),
        ],
    },
    Table {
        name: "audit_keys",
        key: "public_key",
        seeded: false,
        columns: &[
            ("public_key", Bytes),
            ("created_at", Int),
            ("endorsed_by", Bytes),
            ("endorsement", Bytes),
            ("dek_id", Text),
            ("sealed", Bytes),
        ],
    },
    Table {
        name: "audit_checkpoints",
        key: "seq",
        seeded: false,
        columns: &[("seq", Int), ("hash", Bytes), ("at", Int), ("public_key", Bytes), ("signature", Bytes)],
    },
    Table {
        name: "audit_start",
        key: "id",
        seeded: true,
        columns: &[("id", Int), ("seq", Int), ("hash", Bytes), ("kept", Text)],
    },
    Table {
        name: "key_use",
        key: "access_key_id, day",
        seeded: false,
        columns: &[
            ("access_key_id", Text),
            ("day", Text),
            ("requests", Int),
            ("reads", Int),
            ("orders", Int),
            ("failed", Int),
            ("busiest_minute", Int),
        ],
    },
    Table {
        name: "key_refusals",
        key: "access_key_id, day, reason",
        seeded: false,
        columns: &[("access_key_id", Text), ("day", Text), ("reason", Text), ("requests", Int)],
    },
    Table {
        name: "key_seen",
        key: "access_key_id",
        seeded: false,
        columns: &[
            ("access_key_id", Text),
            ("first_at", Int),
            ("last_at", Int),
            ("address", Text),
            ("user_agent", Text),
        ],
    },
    Table {
        name: "key_networks",
        key: "access_key_id, network",
        seeded: false,
        columns: &[("access_key_id", Text), ("network", Text)],
    },
    Table {
        name: "key_hours",
        key: "access_key_id, hour",
        seeded: false,
        columns: &[("access_key_id", Text), ("hour", Int)],
    },
    Table {
        name: "key_unusual",
        key: "access_key_id, what",
        seeded: false,
        columns: &[("access_key_id", Text), ("what", Text), ("day", Text)],
    },
    Table {
        name: "order_charges",
        key: "request_id",
        seeded: false,
        columns: &[
            ("request_id", Text),
            ("access_key_id", Text),
            ("connection_id", Text),
            ("quantity", Text),
            ("worth", Text),
            ("exposure", Text),
            ("seen_seq", Int),
            ("replaces", Text),
            ("filled", Text),
            ("returned", Text),
        ],
    },
    Table {
        name: "loss_stops",
        key: "access_key_id, day",
        seeded: false,
        columns: &[("access_key_id", Text), ("day", Text), ("loss", Text), ("at", Int)],
    },
    Table {
        name: "consumers",
        key: "id",
        seeded: false,
        columns: &[
            ("id", Text),
            ("user_id", Text),
            ("connection_id", Text),
            ("name", Text),
            ("kind", Text),
            ("settings", Text),
            ("dek_id", Text),
            ("secret_version", Int),
            ("sealed", Bytes),
            ("created_at", Int),
            ("removed_at", Int),
        ],
    },
    Table {
        name: "rotations",
        key: "id",
        seeded: false,
        columns: &[
            ("id", Text),
            ("user_id", Text),
            ("connection_id", Text),
            ("version", Int),
            ("state", Text),
            ("rehearsal", Bool),
            ("open", Bool),
            ("holds_trading", Bool),
            ("body", Text),
            ("lease_node", Text),
            ("lease_until", Int),
            ("created_at", Int),
            ("updated_at", Int),
        ],
    },
    Table {
        name: "rotation_pairs",
        key: "rotation_id, what",
        seeded: false,
        columns: &[
            ("rotation_id", Text),
            ("what", Text),
            ("number", Int),
            ("dek_id", Text),
            ("version", Int),
            ("key_id", Bytes),
            ("secret_key", Bytes),
            ("key_id_fingerprint", Bytes),
            ("secret_fingerprint", Bytes),
            ("at", Int),
        ],
    },
    Table {
        name: "rotation_events",
        key: "rotation_id, version",
        seeded: false,
        columns: &[
            ("rotation_id", Text),
            ("version", Int),
            ("at", Int),
            ("actor", Text),
            ("step", Text),
            ("state_before", Text),
            ("state_after", Text),
            ("consumer_id", Text),
            ("detail", Text),
        ],
    },
    Table {
        name: "deliveries",
        key: "rotation_id, consumer_id, attempt",
        seeded: false,
        columns: &[
            ("rotation_id", Text),
            ("consumer_id", Text),
            ("attempt", Int),
            ("token", Text),
            ("settings", Text),
            ("key_id_fingerprint", Bytes),
            ("secret_fingerprint", Bytes),
            ("seen_version", Text),
            ("outcome", Text),
            ("version", Text),
            ("detail", Text),
            ("begun_at", Int),
            ("ended_at", Int),
        ],
    },
    Table {
        name: "rotation_policy",
        key: "connection_id",
        seeded: false,
        columns: &[("connection_id", Text), ("days", Int), ("actor", Text), ("at", Int)],
    },
    Table {
        name: "connection_faults",
        key: "connection_id",
        seeded: false,
        columns: &[
            ("connection_id", Text),
            ("code", Text),
            ("title", Text),
            ("detail", Text),
            ("next_step", Text),
            ("at", Int),
        ],
    },
    Table {
        name: "rotation_reminders",
        key: "connection_id, due_at, nearness",
        seeded: false,
        columns: &[("connection_id", Text), ("due_at", Int), ("nearness", Text), ("at", Int)],
    },
    Table {
        name: "rotation_notices",
        key: "connection_id, due_at, nearness, consumer_id",
        seeded: false,
        columns: &[
            ("connection_id", Text),
            ("due_at", Int),
            ("nearness", Text),
            ("consumer_id", Text),
            ("state", Text),
            ("tries", Int),
            ("next_at", Int),
            ("detail", Text),
        ],
    },
    Table {
        name: "audit",
        key: "seq",
        seeded: false,
        columns: &[
            ("seq", Int),
            ("at", Int),
            ("actor", Text),
            ("event_name", Text),
            ("event", Text),
            ("previous", Bytes),
            ("hash", Bytes),
            ("user_id", Text),
        ],
    },
    Table {
        name: "audit_head",
        key: "id",
        seeded: true,
        columns: &[("id", Int), ("seq", Int), ("hash", Bytes)],
    },
];

impl Table {
    /// The statement that reads all rows in order.
    pub(crate) fn select(&self) -> String {
        format!("SELECT {} FROM {} ORDER BY {}", self.column_names(), self.name, self.key)
    }

    /// The statement that puts one row in.
    pub(crate) fn insert(&self) -> String {
        let places: Vec<String> = (1..=self.columns.len()).map(|place| format!("${place}")).collect();
        let mut text =
            format!("INSERT INTO {} ({}) VALUES ({})", self.name, self.column_names(), places.join(", "));
        if self.seeded {
            let others: Vec<String> = self
                .columns
                .iter()
                .filter(|(name, _)| *name != self.key)
                .map(|(name, _)| format!("{name} = excluded.{name}"))
                .collect();
            text.push_str(&format!(" ON CONFLICT ({}) DO UPDATE SET {}", self.key, others.join(", ")));
        }
        text
    }

    fn column_names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }

    /// A row as a JSON object: bytes in hexadecimal, all else as it is.
    pub(crate) fn to_json<'r, R>(&self, row: &'r R) -> Result<Value, sqlx::Error>
    where
        R: Row,
        usize: ColumnIndex<R>,
        Option<String>: Decode<'r, R::Database> + Type<R::Database>,
        Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
        Option<bool>: Decode<'r, R::Database> + Type<R::Database>,
        Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
        R::Database: Database,
    {
        let mut object = Map::new();
        for (place, (name, kind)) in self.columns.iter().enumerate() {
            let value = match kind {
                Text => Value::from(row.try_get::<Option<String>, _>(place)?),
                Int => Value::from(row.try_get::<Option<i64>, _>(place)?),
                Bool => Value::from(row.try_get::<Option<bool>, _>(place)?),
                Bytes => Value::from(row.try_get::<Option<Vec<u8>>, _>(place)?.map(hex::encode)),
            };
            object.insert((*name).to_owned(), value);
        }
        Ok(Value::Object(object))
    }

    /// The other way. Nothing when the line is not an object of exactly these columns.
    pub(crate) fn read_line(&self, line: &[u8]) -> Option<Vec<Cell>> {
        let mut object: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let cells: Option<Vec<Cell>> =
            self.columns.iter().map(|(name, kind)| cell(*kind, object.remove(*name)?)).collect();
        cells.filter(|_| object.is_empty())
    }
}

fn cell(kind: Kind, value: Value) -> Option<Cell> {
    Some(match (kind, value) {
        (Text, Value::Null) => Cell::Text(None),
        (Int, Value::Null) => Cell::Int(None),
        (Bool, Value::Null) => Cell::Bool(None),
        (Bytes, Value::Null) => Cell::Bytes(None),
        (Text, Value::String(text)) => Cell::Text(Some(text)),
        (Int, Value::Number(number)) => Cell::Int(Some(number.as_i64()?)),
        (Bool, Value::Bool(value)) => Cell::Bool(Some(value)),
        (Bytes, Value::String(text)) => Cell::Bytes(Some(hex::decode(text).ok()?)),
        _ => return None,
    })
}
