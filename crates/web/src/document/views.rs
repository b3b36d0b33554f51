//! The schemas of what the gateway and the core make, field for field as they are written. `tests/it` holds every answer against them.
#![expect(dead_code, reason = "only their schema is used: the types themselves belong to other crates")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use utoipa::ToSchema;

use super::words::{
    AssetClassWord, EnvironmentWord, Exact, Hash, Id, OrderClassWord, OrderTypeWord, PermissionClassWord,
    PositionRuleWord, PublicKeyHex, SideWord, SignatureHex, SignedWord, SymbolText, TimeInForceWord,
};

/// What an access key may do. A limit that is absent does not limit; a list that is there allows only its members.
#[derive(ToSchema)]
#[schema(as = Scope)]
pub(crate) struct ScopeView {
    /// Classes of operations that are allowed as a whole.
    classes: Vec<PermissionClassWord>,
    /// Operations allowed by name (Alpaca's operationId), besides those of `classes`.
    operations: Vec<String>,
    /// The symbols whose market data may be asked for.
    #[schema(nullable = false)]
    data_symbols: Option<Vec<SymbolText>>,
    /// The symbols that orders and closes may touch.
    #[schema(nullable = false)]
    symbols: Option<Vec<SymbolText>>,
    /// The asset classes that orders and closes may touch.
    #[schema(nullable = false)]
    asset_classes: Option<Vec<AssetClassWord>>,
    /// The ways orders may go.
    #[schema(nullable = false)]
    sides: Option<Vec<SideWord>>,
    /// The types that orders may have.
    #[schema(nullable = false)]
    order_types: Option<Vec<OrderTypeWord>>,
    /// The times in force that orders may have.
    #[schema(nullable = false)]
    times_in_force: Option<Vec<TimeInForceWord>>,
    /// The classes that orders may have.
    #[schema(nullable = false)]
    order_classes: Option<Vec<OrderClassWord>>,
    /// Forbids orders that may fill outside regular hours. Absent means no.
    #[schema(nullable = false)]
    no_extended_hours: Option<bool>,
    /// What orders may do to positions.
    #[schema(nullable = false)]
    positions: Option<PositionRuleWord>,
    /// Shows and lets it touch nothing but its own orders. Absent means no.
    #[schema(nullable = false)]
    only_own_orders: Option<bool>,
    /// Shares, contracts or coins that one order may be for at most.
    #[schema(nullable = false)]
    max_order_quantity: Option<Exact>,
    /// By how many percent a limit price may be worse than the market's.
    #[schema(nullable = false)]
    max_price_deviation: Option<Exact>,
    /// How many seconds old a quote may be while its market is open.
    #[schema(nullable = false)]
    max_quote_age: Option<u32>,
    /// When orders may be sent: `regular`, or two times of New York such as `09:45-15:30`.
    #[schema(nullable = false)]
    hours: Option<String>,
    /// Dollars that one order may be worth at most.
    #[schema(nullable = false)]
    max_order_notional: Option<Exact>,
    /// Dollars that all orders of one New York day may be worth at most.
    #[schema(nullable = false)]
    max_daily_notional: Option<Exact>,
    /// Orders, replacements and closes on one New York day at most.
    #[schema(nullable = false)]
    max_daily_orders: Option<u32>,
    /// Dollars that the whole account may have in positions and working orders, for this key to open more.
    #[schema(nullable = false)]
    max_open_exposure: Option<Exact>,
    /// Dollars that the whole account may lose on a trading day, for this key to open anything more that day.
    #[schema(nullable = false)]
    max_daily_loss: Option<Exact>,
    /// Requests in any 60 seconds at most.
    #[schema(nullable = false)]
    max_requests_per_minute: Option<u32>,
    /// Dollars beyond which a person has to approve an order; zero is each order.
    #[schema(nullable = false)]
    approval_over: Option<Exact>,
    /// Seconds that a program waits for the answer.
    #[schema(nullable = false)]
    approval_wait: Option<u32>,
    /// Seconds until a held request is not sent any more.
    #[schema(nullable = false)]
    approval_expiry: Option<u32>,
    /// By how many percent the market's price may differ when a held request is sent.
    #[schema(nullable = false)]
    approval_price_band: Option<Exact>,
    /// The instant from which the key opens nothing.
    #[schema(nullable = false)]
    expires_at: Option<Timestamp>,
    /// The networks from which the key may be used, as `10.0.0.0/8`.
    #[schema(nullable = false)]
    networks: Option<Vec<String>>,
    /// Whether requests must be signed.
    #[schema(nullable = false)]
    signed: Option<SignedWord>,
}

/// What a change of a scope newly allows and newly forbids, limit by limit.
#[derive(ToSchema)]
pub(crate) struct Difference {
    /// What passes now and did not before.
    allows: Vec<Change>,
    /// What passed before and does not now.
    forbids: Vec<Change>,
}

/// What one limit lets through, or no longer does.
#[derive(ToSchema)]
pub(crate) struct Change {
    /// The scope's field.
    limit: String,
    /// What it is about, for a person.
    words: String,
}

/// What was decided about a request.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum Decision {
    Permitted,
    Refused,
    Unauthenticated,
    Failed,
}

/// One request as people see it. It holds no query, no body and no secret.
#[derive(ToSchema)]
#[schema(as = Request)]
pub(crate) struct RequestLine {
    /// Its identifier, as in the audit and in the answer's `X-Paddock-Request-Id`.
    request: Id,
    /// When it arrived.
    at: Timestamp,
    /// Where it came from, if not from this machine's command line.
    #[schema(required)]
    network: Option<String>,
    /// The access key, if one was recognised.
    #[schema(required)]
    key: Option<Id>,
    /// The access key's name.
    #[schema(required)]
    key_name: Option<String>,
    /// Who acted by hand, if a person did.
    #[schema(required)]
    person: Option<String>,
    /// The connection's name.
    #[schema(required)]
    connection: Option<String>,
    /// The connection's environment.
    #[schema(required)]
    environment: Option<EnvironmentWord>,
    /// HTTP method.
    method: String,
    /// The path without its query, cut to 200 characters.
    path: String,
    /// Alpaca's operationId.
    #[schema(required)]
    operation: Option<String>,
    /// What was decided.
    decision: Decision,
    /// Stable name of the reason, where it was refused or failed.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// The sentence that was answered, where it was refused or failed.
    #[schema(nullable = false)]
    message: Option<String>,
    /// The HTTP status that the program got.
    status: u16,
    /// Microseconds from its arrival to the head of its answer.
    micros: u64,
    /// The order in one line, where there is one.
    #[schema(required)]
    summary: Option<String>,
}

/// What would become of an order if it came now.
#[derive(ToSchema)]
pub(crate) struct Explanation {
    /// When that was asked.
    at: Timestamp,
    /// The order in one line, where it can be read.
    #[schema(required)]
    order: Option<String>,
    /// The market's price, where the scope makes it matter.
    #[schema(required)]
    market_price: Option<Exact>,
    /// The body as the broker would get it, where it would get one.
    #[schema(required)]
    would_send: Option<String>,
    /// What the access key has used of its caps today.
    orders_today: u32,
    /// Dollars used of its caps today.
    notional_today: Exact,
    /// Dollars that the account has in positions and in orders that open, where the scope limits that.
    #[schema(nullable = false)]
    open_exposure: Option<Exact>,
    /// Dollars that the account has lost today, where the scope limits that; negative for a gain.
    #[schema(nullable = false)]
    daily_loss: Option<Exact>,
    /// How many requests the access key may make in this minute, where its scope limits that.
    #[schema(required)]
    requests_left: Option<u32>,
    /// What it would take from the caps, if it may pass: how many orders.
    #[schema(required)]
    orders: Option<u32>,
    /// And how many dollars.
    #[schema(required)]
    notional: Option<Exact>,
    /// Whether it may pass.
    decision: Decision,
    /// Stable name of the reason why not.
    #[schema(nullable = false)]
    reason: Option<String>,
    /// The sentence that would be answered.
    #[schema(nullable = false)]
    message: Option<String>,
    /// The values that decided it, by name.
    numbers: BTreeMap<String, String>,
}

/// Whether requests can be served.
#[derive(ToSchema)]
pub(crate) struct Health {
    /// Whether everything is as it should be.
    ready: bool,
    /// What was looked at.
    parts: Vec<HealthPart>,
}

/// One thing that requests need.
#[derive(ToSchema)]
pub(crate) struct HealthPart {
    /// `database`, `vault` or `directory`.
    name: String,
    /// Whether it is as it should be.
    ready: bool,
    /// What is wrong, and what to do about it.
    #[schema(nullable = false)]
    problem: Option<String>,
}

/// Totals since the start.
#[derive(ToSchema)]
pub(crate) struct Counters {
    /// All requests.
    requests: u64,
    /// Forwarded.
    permitted: u64,
    /// Refused by a scope, a cap or a freeze.
    refused: u64,
    /// Without a valid access key.
    unauthenticated: u64,
    /// Malformed or not servable.
    failed: u64,
}

/// How the budget of one account at one of Alpaca's APIs stands.
#[derive(ToSchema)]
pub(crate) struct Budget {
    /// The connection's name.
    connection: String,
    /// `trading` or `data`.
    api: String,
    /// Requests a minute.
    limit: u32,
    /// How many of them are left now, as far as Paddock knows.
    left: u32,
    /// How many requests wait for one.
    waiting: u32,
}

/// The keys with which the audit chain is signed.
#[derive(ToSchema)]
pub(crate) struct AuditKeys {
    /// The key that signs now.
    public_key: PublicKeyHex,
    /// All keys, oldest first, each signed by the one before.
    keys: Vec<SigningKey>,
    /// The newest checkpoint.
    #[schema(required)]
    checkpoint: Option<Checkpoint>,
    /// How many records there are.
    records: u64,
    /// The hash of the last.
    head: Hash,
}

/// A public key with which checkpoints are signed, and the signature of the one before it.
#[derive(ToSchema)]
pub(crate) struct SigningKey {
    /// The key.
    public_key: PublicKeyHex,
    /// When it was made.
    at: Timestamp,
    /// The key before it; nothing for the first.
    #[schema(required)]
    endorsed_by: Option<PublicKeyHex>,
    /// That key's signature.
    #[schema(required)]
    endorsement: Option<SignatureHex>,
}

/// A signed position of the audit chain.
#[derive(ToSchema)]
pub(crate) struct Checkpoint {
    /// The position.
    seq: u64,
    /// The hash of the record there.
    hash: Hash,
    /// When it was signed.
    at: Timestamp,
    /// Whose signature it is.
    key: PublicKeyHex,
    /// The signature.
    signature: SignatureHex,
}

/// What a rotation of a key of the vault did.
#[derive(ToSchema)]
#[schema(as = VaultRotation)]
pub(crate) struct Rotation {
    /// The new key-encryption key's identifier.
    #[schema(nullable = false)]
    kek: Option<String>,
    /// How many data-encryption keys were wrapped anew.
    #[schema(nullable = false)]
    rewrapped: Option<u32>,
    /// The new data-encryption key's identifier.
    #[schema(nullable = false)]
    dek: Option<Id>,
    /// How many credentials and signing keys were sealed anew.
    #[schema(nullable = false)]
    resealed: Option<u32>,
}

/// Who did it.
#[derive(ToSchema)]
pub(crate) struct Actor {
    /// Who: a person at this machine, a person who signed in, a program with an access key, or Paddock itself.
    kind: ActorKind,
    /// Of a person or an access key: the identifier.
    #[schema(nullable = false)]
    id: Option<Id>,
    /// Of a person or an access key: the name.
    #[schema(nullable = false)]
    name: Option<String>,
}

/// Who an order came from.
#[derive(ToSchema)]
pub(crate) struct PlacedBy {
    /// Who: a program with an access key, a person here, Paddock for a freeze, or nobody who came through Paddock.
    kind: PlacedByKind,
    /// Of an access key or a person: the name.
    #[schema(nullable = false)]
    name: Option<String>,
}

/// What kind of thing placed an order.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum PlacedByKind {
    AccessKey,
    Person,
    Paddock,
    Outside,
}

/// What happened: `event` names it, and the other fields belong to that kind of event.
#[derive(ToSchema)]
pub(crate) struct Event {
    /// The kind of event, for example `key_created`.
    event: String,
}

/// What kind of actor.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ActorKind {
    Operator,
    Person,
    AccessKey,
    System,
}

/// A kind of unusual use.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum UnusualKind {
    NewNetwork,
    NewHour,
    Burst,
    NewRefusal,
}

/// What is frozen.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum FrozenWhat {
    Key,
    Connection,
    Everything,
}
