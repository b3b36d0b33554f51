//! The bodies that endpoints read field by field with [`crate::fields::Fields`], as schemas. A test holds their fields against those that the
//! readers name. Numbers may also be sent as text, and dollars as whole numbers; `null` is the same as nothing.
#![expect(dead_code, reason = "only their schema is used: `Fields` reads bodies field by field")]

use std::borrow::Cow;

use jiff::Timestamp;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::words::{
    AssetClassWord, CauseWord, EnvironmentWord, OpenOrdersWord, OrderClassWord, OrderTypeWord,
    PositionRuleWord, ResumeWhenWord, RoleWord, SideWord, SignedWord, TimeInForceWord, TradingModeWord,
};

/// An exact amount above zero, as text, or as a number without a fraction.
pub(crate) struct Amount;

impl PartialSchema for Amount {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^(0*[1-9][0-9]{0,14}(\.[0-9]{1,9})?|0*\.0*[1-9][0-9]{0,8})$"));
        let number = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1))
            .maximum(Some(999_999_999_999_999_i64));
        let any = AnyOfBuilder::new()
            .item(text)
            .item(number)
            .description(Some("An exact amount above zero, as text or as a number without a fraction."));
        any.into()
    }
}

impl ToSchema for Amount {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Amount")
    }
}

/// The new name of a connection.
#[derive(ToSchema)]
pub(crate) struct Rename {
    /// Letters, digits, `.`, `_` or `-`.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: String,
}

/// An Alpaca account to connect.
#[derive(ToSchema)]
pub(crate) struct NewConnection {
    /// A name of your choice: letters, digits, `.`, `_` or `-`.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: String,
    /// Alpaca's world that the pair belongs to.
    environment: EnvironmentWord,
    /// The Key ID from Alpaca's dashboard.
    #[schema(write_only)]
    key_id: String,
    /// The Secret Key from Alpaca's dashboard. It is sealed and never shown again.
    #[schema(write_only, format = Password)]
    secret_key: String,
    /// Replace the credential, if the account is connected already.
    replace: Option<bool>,
    /// For a live account: the codes of all statements of `GET /api/v1/attestation`.
    statements: Option<Vec<String>>,
    /// For a live account: the name of whoever signs.
    signed_name: Option<String>,
    /// For a live account: the SHA-256 of the text that was signed, hex.
    text_sha256: Option<String>,
}

/// A consumer to add.
#[derive(ToSchema)]
pub(crate) struct NewConsumer {
    /// A name of your choice: letters, digits, `.`, `_` or `-`.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: String,
    /// What kind of place it is: one of `GET /api/v1/consumer-kinds`.
    kind: String,
    /// The settings of its kind.
    #[schema(value_type = Option<Object>)]
    settings: Option<serde_json::Value>,
    /// What Paddock logs in there with, if its kind needs anything. It is sealed and never shown again.
    #[schema(write_only, format = Password)]
    secret: Option<String>,
}

/// A rotation to plan.
#[derive(ToSchema)]
pub(crate) struct NewRotation {
    /// Why; `by_hand` when absent.
    cause: Option<CauseWord>,
    /// When it may be started at the earliest; needed for a live pair.
    window_from: Option<String>,
    /// Before when it must be started.
    window_until: Option<String>,
    /// The ticket under which it was agreed; needed for a live pair.
    ticket: Option<String>,
    /// What to do about open orders; `go_on` for paper and `wait` for live when absent.
    open_orders: Option<OpenOrdersWord>,
    /// When new orders pass again; `swapped` for paper and `proven` for live when absent.
    resume: Option<ResumeWhenWord>,
    /// Whether one share is ordered far from the market with the new pair, seen and canceled. For a paper account only.
    test_order: Option<bool>,
    /// Whether it is a rehearsal against the paper broker.
    rehearsal: Option<bool>,
    /// For a rehearsal: the Key ID of an account of the paper broker.
    #[schema(write_only)]
    key_id: Option<String>,
    /// For a rehearsal: its Secret Key.
    #[schema(write_only, format = Password)]
    secret_key: Option<String>,
}

/// A rehearsal of a rotation.
#[derive(ToSchema)]
pub(crate) struct NewRehearsal {
    /// What goes wrong: `torn_pair`, `same_pair` or `other_account` when the pair is pasted, or `consumer=NAME:FAULT` at a consumer, where FAULT is
    /// `refused`, `drift`, `too_many`, `lost_answer`, `permission_lost` or `approval_pending`. Each is found out, dealt with as a person would, and
    /// stands in the report.
    #[schema(min_items = 1)]
    fail: Option<Vec<String>>,
    /// Whether consumers that cannot take a pair are left out; otherwise it is called off where a rotation would stop.
    keep_going: Option<bool>,
}

/// Why something is done.
#[derive(ToSchema)]
pub(crate) struct RotationReason {
    /// Why, at most 500 characters.
    reason: String,
}

/// A consumer of a rotation, and why.
#[derive(ToSchema)]
pub(crate) struct AboutConsumer {
    /// The consumer's name.
    consumer: String,
    /// Why, at most 500 characters.
    reason: String,
}

/// A pair as Alpaca's dashboard shows it.
#[derive(ToSchema)]
pub(crate) struct Pair {
    /// The Key ID.
    #[schema(write_only)]
    key_id: String,
    /// The Secret Key. It is sealed and never shown again.
    #[schema(write_only, format = Password)]
    secret_key: String,
}

/// How often a pair is to be replaced.
#[derive(ToSchema)]
pub(crate) struct Cadence {
    /// Every so many days.
    #[schema(minimum = 1, maximum = 3650)]
    days: u32,
}

/// What is to change of a consumer. What is absent stays.
#[derive(ToSchema)]
pub(crate) struct ConsumerChange {
    /// Another name.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: Option<String>,
    /// Other settings, all of them.
    #[schema(value_type = Option<Object>)]
    settings: Option<serde_json::Value>,
    /// Another secret. It is sealed and never shown again.
    #[schema(write_only, format = Password)]
    secret: Option<String>,
}

/// The limits of an access key, as they are written. What is absent or `null` does not limit.
#[derive(ToSchema)]
pub(crate) struct ScopeFields {
    /// A ready-made choice of operations: `read-only`, `trader` or `data-only`.
    preset: Option<String>,
    /// Classes of operations and operations by name (Alpaca's operationId), besides those of `preset`.
    #[schema(min_items = 1)]
    allow: Option<Vec<String>>,
    /// The symbols that orders and closes may touch.
    #[schema(min_items = 1)]
    symbols: Option<Vec<String>>,
    /// The symbols whose market data may be asked for.
    #[schema(min_items = 1)]
    data_symbols: Option<Vec<String>>,
    /// The asset classes that orders and closes may touch.
    #[schema(min_items = 1)]
    asset_classes: Option<Vec<AssetClassWord>>,
    /// The ways orders may go.
    #[schema(min_items = 1)]
    sides: Option<Vec<SideWord>>,
    /// The types that orders may have.
    #[schema(min_items = 1)]
    order_types: Option<Vec<OrderTypeWord>>,
    /// The classes that orders may have.
    #[schema(min_items = 1)]
    order_classes: Option<Vec<OrderClassWord>>,
    /// The times in force that orders may have.
    #[schema(min_items = 1)]
    times_in_force: Option<Vec<TimeInForceWord>>,
    /// Forbids orders that may fill outside regular hours.
    no_extended_hours: Option<bool>,
    /// What orders may do to positions.
    positions: Option<PositionRuleWord>,
    /// Shows and lets it touch nothing but its own orders.
    only_own_orders: Option<bool>,
    /// When orders may be sent: `regular`, or two times of New York.
    #[schema(pattern = "^(regular|[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9])$")]
    hours: Option<String>,
    /// Shares, contracts or coins that one order may be for at most.
    max_order_quantity: Option<Amount>,
    /// By how many percent a limit price may be worse than the market's.
    max_price_deviation: Option<Amount>,
    /// How many seconds old a quote may be while its market is open.
    #[schema(minimum = 1)]
    max_quote_age: Option<u32>,
    /// Dollars that one order may be worth at most.
    max_order_notional: Option<Amount>,
    /// Dollars that all orders of one New York day may be worth at most.
    max_daily_notional: Option<Amount>,
    /// Orders, replacements and closes on one New York day at most.
    #[schema(minimum = 1)]
    max_daily_orders: Option<u32>,
    /// Dollars that the whole account may have in positions and working orders, for this key to open more.
    max_open_exposure: Option<Amount>,
    /// Dollars that the whole account may lose on a trading day, for this key to open anything more that day.
    max_daily_loss: Option<Amount>,
    /// Requests in any 60 seconds at most.
    #[schema(minimum = 1)]
    max_requests_per_minute: Option<u32>,
    /// The instant from which the key opens nothing; not together with `expires_in`.
    expires_at: Option<Timestamp>,
    /// How long the key lives from now on: a number and `m`, `h`, `d` or `w`.
    #[schema(pattern = "^[0-9]+[mhdw]$")]
    expires_in: Option<String>,
    /// The networks from which the key may be used, as `10.0.0.0/8`, or addresses.
    #[schema(min_items = 1)]
    networks: Option<Vec<String>>,
    /// Whether requests must be signed. Decided when the key is issued.
    signed: Option<SignedWord>,
    /// Which orders a person has to approve: `always`, or those worth more than so many dollars.
    approval_over: Option<String>,
    /// Seconds that a program waits for the answer.
    #[schema(maximum = 300)]
    approval_wait: Option<u32>,
    /// Seconds until a held request is not sent any more.
    #[schema(minimum = 10, maximum = 86400)]
    approval_expiry: Option<u32>,
    /// By how many percent the market's price may differ when a held request is sent.
    approval_price_band: Option<Amount>,
}

/// An access key to issue.
#[derive(ToSchema)]
pub(crate) struct NewKey {
    /// A name of your choice: letters, digits, `.`, `_` or `-`.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: String,
    /// The name of the connection that it opens.
    connection: String,
    #[schema(inline)]
    #[serde(flatten)]
    scope: ScopeFields,
}

/// Another access key in the place of one.
#[derive(ToSchema)]
pub(crate) struct KeyReplacement {
    /// The new key's name: letters, digits, `.`, `_` or `-`.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: String,
    /// For how long both work: a number and `m`, `h`, `d` or `w`, for example `7d`.
    overlap: String,
}

/// The limits of an access key that is not issued yet.
#[derive(ToSchema)]
pub(crate) struct ScopeToDescribe {
    /// The name of a connection, whose environment counts; the scope is taken for one of real money without it.
    connection: Option<String>,
    #[schema(inline)]
    #[serde(flatten)]
    scope: ScopeFields,
}

/// An order to try against an access key.
#[derive(ToSchema)]
pub(crate) struct OrderToExplain {
    /// The body of `POST /v2/orders`, as text.
    order: String,
    /// The address from which it would come; this machine when absent.
    #[schema(format = "ip")]
    from: Option<String>,
}

/// Halves of pairs that were found somewhere.
#[derive(ToSchema)]
pub(crate) struct LeaksToCheck {
    /// Key IDs, at most 500.
    #[schema(write_only, min_items = 1, max_items = 500)]
    key_ids: Option<Vec<String>>,
    /// Secret Keys, at most 500.
    #[schema(write_only, min_items = 1, max_items = 500)]
    secret_keys: Option<Vec<String>>,
}

/// What to stop. An empty body freezes too.
#[derive(ToSchema)]
pub(crate) struct Freeze {
    /// What passes: cancels when absent. `nothing` alone lets nothing pass.
    #[schema(min_items = 1)]
    allow: Option<Vec<String>>,
    /// Why, for whoever sees the freeze. One line.
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// Cancel the open orders.
    cancel_all: Option<bool>,
    /// Cancel the open orders, then close the positions.
    flatten: Option<bool>,
    /// How many seconds the answer waits for that; at most 60.
    #[schema(minimum = 1)]
    wait_seconds: Option<u32>,
}

/// A person's answer to a held request.
#[derive(ToSchema)]
pub(crate) struct Answer {
    /// Who says so, for the record.
    #[schema(max_length = 500)]
    by: Option<String>,
    /// Why; a program that waits hears the reason of a no.
    #[schema(max_length = 500)]
    reason: Option<String>,
    /// The `request_hash` of what was shown: the answer is to that request and no other.
    request_hash: Option<String>,
}

/// Which audit records to remove.
#[derive(ToSchema)]
pub(crate) struct Prune {
    /// A day of UTC, or an instant: what was signed before it goes.
    before: String,
}

/// Which key of the vault to replace.
#[derive(ToSchema)]
pub(crate) struct RotateVault {
    /// `kek` is the key-encryption key, `dek` the data-encryption key.
    what: VaultKey,
}

/// A key of the vault.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum VaultKey {
    Kek,
    Dek,
}

/// Another role for a person.
#[derive(ToSchema)]
pub(crate) struct RoleChange {
    /// What the person may do from now on.
    role: RoleWord,
}

/// Whom to invite, and to what.
#[derive(ToSchema)]
pub(crate) struct NewInvitation {
    /// For whom: a note.
    r#for: Option<String>,
    /// What they will be allowed; may be left out when they found a team, whose owner they become.
    role: Option<RoleWord>,
    /// The name of a team to be founded, instead of joining this one.
    team: Option<String>,
}

/// Another password.
#[derive(ToSchema)]
pub(crate) struct NewPassword {
    /// The present one.
    #[schema(write_only, format = Password)]
    current: String,
    /// The new one, of at least 12 characters.
    #[schema(write_only, format = Password)]
    new: String,
    /// Whether their API tokens are revoked with it. They are, unless this is `false`.
    revoke_tokens: Option<bool>,
}

/// A trading mode.
#[derive(ToSchema)]
pub(crate) struct Mode {
    /// Who decides about new trades.
    mode: TradingModeWord,
    /// Why; one line of at most 500 characters.
    reason: Option<String>,
}

/// Why something is done.
#[derive(ToSchema)]
pub(crate) struct Why {
    /// Why; one line of at most 500 characters.
    reason: Option<String>,
}

/// A personal API token to be made.
#[derive(ToSchema)]
pub(crate) struct NewToken {
    /// A name of your choice: letters, digits, `.`, `_` or `-`.
    #[schema(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: String,
    /// What it may do at most; the person's role, unless said otherwise.
    role: Option<RoleWord>,
    /// How long it opens anything, for example `30d`; 30 days unless said otherwise, a year at most.
    expires_in: Option<String>,
    /// The same as an instant.
    expires_at: Option<Timestamp>,
    /// The networks or addresses from which it may be used.
    #[schema(min_items = 1)]
    networks: Option<Vec<String>>,
    /// Let it do what asks a person for a fresh second factor; people, factors and tokens stay closed to it.
    may_without_factor: Option<bool>,
    /// At the admin socket: the name of the person for whom it acts.
    person: Option<String>,
}

/// A code of an authenticator app.
#[derive(ToSchema)]
pub(crate) struct Code {
    /// The six digits that the app shows.
    #[schema(write_only, format = Password)]
    code: String,
}

/// A proof of who is there.
#[derive(ToSchema)]
pub(crate) struct Proof {
    /// The six digits that the app shows, or a recovery code; where there is a second factor.
    #[schema(write_only, format = Password)]
    code: Option<String>,
    /// The password; where there is none.
    #[schema(write_only, format = Password)]
    password: Option<String>,
}
