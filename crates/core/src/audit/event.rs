//! What an audit record can tell of.

use std::collections::BTreeMap;
use std::net::IpAddr;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ChainHash;
use crate::checkpoint::PublicKey;
use crate::connection::Environment;
use crate::decide::{Frozen, Passing, ReasonCode};
use crate::id::{
    AccessKeyId, ApprovalId, ConnectionId, ConsumerId, DekId, LinkId, PersonId, RequestId, RotationId,
    TokenId, UserId,
};
use crate::role::Role;
use crate::rotation::{Cause, Nearness, RotationState};
use crate::scope::Scope;
use crate::trading::TradingMode;
use crate::unusual::Unusual;
use crate::words;

words! {
    /// What a freeze does about what is open.
    WindDown {
        /// Cancels the open orders.
        CancelAll = "cancel_all",
        /// Cancels the open orders, then closes the positions.
        Flatten = "flatten",
    }
}

/// What happened. Secrets have no place here; a credential is named by its version and the digest of its ciphertext.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AuditEvent {
    /// A data directory was set up.
    Initialised {
        /// Its first user.
        user: UserId,
    },
    /// An account was connected.
    ConnectionAdded {
        /// The connection.
        connection: ConnectionId,
        /// The name that its owner gave it.
        name: String,
        /// Alpaca's world.
        environment: Environment,
        /// Alpaca's account number.
        account_number: String,
        /// The credential's version, from 1.
        version: u32,
        /// SHA-256 of the sealed credential, hex: witnesses which ciphertext is the newest.
        sealed_digest: String,
    },
    /// The credential of a connection was replaced.
    CredentialReplaced {
        /// The connection.
        connection: ConnectionId,
        /// The new version.
        version: u32,
        /// SHA-256 of the sealed credential, hex.
        sealed_digest: String,
    },
    /// A data-encryption key was replaced and the credential sealed anew under it.
    CredentialResealed {
        /// The connection.
        connection: ConnectionId,
        /// The version, which changes with every sealing.
        version: u32,
        /// SHA-256 of the sealed credential, hex.
        sealed_digest: String,
    },
    /// The active connection changed.
    ConnectionActivated {
        /// The connection.
        connection: ConnectionId,
    },
    /// A connection got another name.
    ConnectionRenamed {
        /// The connection.
        connection: ConnectionId,
        /// The name that it had.
        old: String,
        /// The name that it has from then on.
        new: String,
    },
    /// Somebody signed what connecting a live account means. The text and its signature are kept beside the record.
    LiveAttested {
        /// The connection.
        connection: ConnectionId,
        /// SHA-256 of the text that was shown, hex.
        text_sha256: String,
        /// The name that was typed as the signature.
        signed_name: String,
    },
    /// A connection and its credential were removed. Its history stays.
    ConnectionRemoved {
        /// The connection.
        connection: ConnectionId,
    },
    /// An access key was issued.
    KeyCreated {
        /// The key.
        key: AccessKeyId,
        /// The name that its owner gave it.
        name: String,
        /// The connection that it opens.
        connection: ConnectionId,
        /// What it may do.
        scope: Box<Scope>,
    },
    /// What an access key may do was changed.
    KeyScopeChanged {
        /// The key.
        key: AccessKeyId,
        /// What it could do until then.
        old: Box<Scope>,
        /// What it may do from then on.
        new: Box<Scope>,
    },
    /// An access key was revoked for good.
    KeyRevoked {
        /// The key.
        key: AccessKeyId,
    },
    /// Something was frozen, or what passes its freeze was changed.
    Frozen {
        /// What kind of thing.
        what: Frozen,
        /// Its identifier, unless everything was frozen.
        id: Option<String>,
        /// What passes. Before there was a choice, cancels did.
        #[serde(default)]
        passes: Passing,
        /// Why, in the words of whoever froze it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// What Paddock does about open orders and positions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wind_down: Option<WindDown>,
    },
    /// Something was unfrozen.
    Unfrozen {
        /// What kind of thing.
        what: Frozen,
        /// Its identifier, unless everything was unfrozen.
        id: Option<String>,
    },
    /// What a freeze was to do about open orders and positions has come to its end.
    WindDownEnded {
        /// The record of the freeze.
        freeze: u64,
        /// The connection.
        connection: ConnectionId,
        /// How it ended, in one sentence.
        outcome: String,
        /// Cancels that the broker took.
        canceled: u32,
        /// Closes that the broker took.
        closed: u32,
        /// What it refused.
        failed: u32,
    },
    /// The operator gave the sign of life that the dead-man switch waits for.
    CheckedIn,
    /// A state-changing request was permitted. This record is durable before the request is forwarded.
    RequestPermitted {
        /// The request.
        request: RequestId,
        /// The connection that it goes to.
        connection: ConnectionId,
        /// Alpaca's operationId.
        operation: String,
        /// Method and canonical path.
        target: String,
        /// SHA-256 of the body, hex; absent when there is none.
        body_digest: Option<String>,
        /// The order in one line, where there is one.
        summary: Option<String>,
        /// Orders taken from the caps.
        orders: u32,
        /// Dollars taken from the caps.
        notional: Decimal,
        /// Where it came from; absent for what Paddock sends by itself, and in older records.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        network: Option<IpAddr>,
    },
    /// What the broker answered to a permitted request.
    RequestAnswered {
        /// The request.
        request: RequestId,
        /// HTTP status; absent when no answer came, so that it is not known whether the broker acted.
        status: Option<u16>,
        /// The broker's order id, where it gave one.
        order_id: Option<String>,
    },
    /// An order has ended unfilled, wholly or in part, and that part of its charge was given back.
    ChargeReturned {
        /// The request that brought the order.
        request: RequestId,
        /// The broker's order id.
        order_id: String,
        /// Dollars given back; negative when a fill was told later and took them again.
        notional: Decimal,
    },
    /// An access key opens nothing more on a trading day, because the account has lost too much.
    LossReached {
        /// The key.
        key: AccessKeyId,
        /// The trading day.
        day: jiff::civil::Date,
        /// Dollars lost when that was noticed.
        loss: Decimal,
    },
    /// A request was refused.
    RequestRefused {
        /// The request.
        request: RequestId,
        /// Alpaca's operationId, or the raw target of an unknown operation.
        operation: String,
        /// Method and path.
        target: String,
        /// The stable reason.
        reason: ReasonCode,
        /// The sentence that was answered.
        message: String,
        /// The numbers behind it.
        numbers: BTreeMap<String, String>,
        /// The connection that it would have gone to; absent in older records.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        connection: Option<ConnectionId>,
        /// The order in one line, where it was read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<String>,
        /// Where it came from; absent in older records.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        network: Option<IpAddr>,
    },
    /// A request was held for a person.
    ApprovalRequested {
        /// Under this identifier.
        approval: ApprovalId,
        /// The request.
        request: RequestId,
        /// The connection that it would go to.
        connection: ConnectionId,
        /// Alpaca's operationId.
        operation: String,
        /// Method and canonical path and query.
        target: String,
        /// What is to be approved, hex: SHA-256 over access key, connection, operation, path, query and body.
        request_hash: String,
        /// The order in one line, or the target.
        summary: String,
        /// Dollars that it is worth, where that can be told.
        notional: Option<Decimal>,
        /// The market's price then.
        market_price: Option<Decimal>,
        /// From when on it is not sent any more.
        expires_at: Timestamp,
    },
    /// A person approved a held request. Recorded with the permit, before it is sent.
    ApprovalGranted {
        /// Which.
        approval: ApprovalId,
        /// The request.
        request: RequestId,
        /// Who, as they named themselves.
        by: Option<String>,
        /// Why, in their words.
        reason: Option<String>,
    },
    /// A person denied a held request.
    ApprovalDenied {
        /// Which.
        approval: ApprovalId,
        /// Who, as they named themselves.
        by: Option<String>,
        /// Why, in their words.
        reason: Option<String>,
    },
    /// A held request ended without being sent, and without a person's no.
    ApprovalEnded {
        /// Which.
        approval: ApprovalId,
        /// What ended it.
        why: ApprovalEnd,
        /// What stood in the way of an approved one.
        message: Option<String>,
    },
    /// The key-encryption key was rotated: all data-encryption keys are wrapped anew.
    KekRotated {
        /// The new key's identifier.
        kek: String,
        /// How many data-encryption keys were wrapped anew.
        rewrapped: u32,
    },
    /// A data-encryption key was replaced.
    DekRotated {
        /// The new key's identifier.
        dek: DekId,
        /// Its user.
        user: UserId,
    },
    /// A person turned their second factor on.
    SecondFactorOn {
        /// The person.
        person: PersonId,
        /// Their team.
        team: UserId,
    },
    /// A person's second factor was turned off, and their recovery codes with it.
    SecondFactorOff {
        /// The person.
        person: PersonId,
        /// Their team.
        team: UserId,
    },
    /// A person made new recovery codes; the ones before are good for nothing any more.
    RecoveryCodesMade {
        /// The person.
        person: PersonId,
        /// Their team.
        team: UserId,
    },
    /// A recovery code stood in for a second factor.
    RecoveryCodeUsed {
        /// The person.
        person: PersonId,
        /// Their team.
        team: UserId,
        /// How many are left.
        left: u32,
    },
    /// A personal API token was made.
    TokenCreated {
        /// The token.
        token: TokenId,
        /// The name that its owner gave it.
        name: String,
        /// For whom it acts.
        person: PersonId,
        /// Their team.
        team: UserId,
        /// What it may do at most.
        role: Role,
        /// Whether it may do what otherwise needs a fresh second factor.
        may_without_factor: bool,
        /// From when on it opens nothing.
        expires_at: Timestamp,
    },
    /// A personal API token was revoked for good.
    TokenRevoked {
        /// The token.
        token: TokenId,
        /// The team of its owner.
        team: UserId,
    },
    /// A key was made with which checkpoints of this chain are signed from now on.
    AuditKeyMade {
        /// The public key, hex.
        public_key: PublicKey,
        /// The key before it, which signed it; absent for the first.
        endorsed_by: Option<PublicKey>,
    },
    /// The oldest records were removed. The chain begins after the last of them, which a checkpoint had signed.
    AuditPruned {
        /// The last record that was removed.
        through: u64,
        /// Its hash.
        hash: ChainHash,
        /// SHA-256, hex, of what the removed records say about connections, access keys and freezes, which is kept.
        kept_digest: String,
    },
    /// An access key was used as it never was before.
    UnusualUse {
        /// The key.
        key: AccessKeyId,
        /// What is unusual.
        what: Unusual,
        /// What it was, for example the network, in words.
        detail: String,
    },
    /// How a user's account is traded by the engine was changed.
    TradingChanged {
        /// The user.
        user: UserId,
        /// Who decides about new trades from now on.
        mode: TradingMode,
        /// Whether no new trade is opened.
        paused: bool,
        /// Why, in the words of whoever changed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A backup was written.
    BackupWritten {
        /// Number of records in the chain that it holds.
        records: u64,
    },
    /// A backup was restored into this data directory.
    BackupRestored {
        /// Number of records in the chain that it held.
        records: u64,
    },
    /// A team was founded.
    TeamFounded {
        /// The team.
        team: UserId,
        /// Its name.
        name: String,
    },
    /// A person was invited.
    PersonInvited {
        /// The invitation.
        invitation: LinkId,
        /// The team of whoever invited.
        team: UserId,
        /// The team to be founded; absent when it is an invitation into this one.
        founds: Option<String>,
        /// The role that the person will have.
        role: Role,
        /// For whom, in the words of whoever invited.
        label: String,
    },
    /// An invitation was withdrawn.
    InvitationWithdrawn {
        /// The invitation.
        invitation: LinkId,
        /// The team of whoever invited.
        team: UserId,
    },
    /// A person joined: the first owner by the set-up link, others by invitation.
    PersonAdded {
        /// The person.
        person: PersonId,
        /// The name by which they sign in.
        name: String,
        /// Their team.
        team: UserId,
        /// What they may do.
        role: Role,
        /// The invitation, if there was one.
        invitation: Option<LinkId>,
    },
    /// What a person may do was changed.
    RoleChanged {
        /// The person.
        person: PersonId,
        /// Their team.
        team: UserId,
        /// What they could do until then.
        old: Role,
        /// What they may do from then on.
        new: Role,
    },
    /// A person was removed. All their sessions ended.
    PersonRemoved {
        /// The person.
        person: PersonId,
        /// Their team.
        team: UserId,
    },
    /// A person signed in.
    SignedIn {
        /// From which network address.
        network: String,
    },
    /// A person ended a session: their own, or one in another browser.
    SignedOut {
        /// How many sessions ended.
        sessions: u32,
    },
    /// Somebody could not sign in as this person. Attempts under names that nobody has are not recorded: what was typed may be a
    /// password.
    SignInFailed {
        /// The person.
        person: PersonId,
        /// Their team.
        team: UserId,
        /// Attempts that this record stands for.
        attempts: u32,
        /// Where the last one came from.
        network: String,
    },
    /// A person has another password. All their other sessions ended.
    PasswordChanged {
        /// The person.
        person: PersonId,
        /// Their team.
        team: UserId,
    },
    /// A link was made with which a person sets another password.
    ResetLinkMade {
        /// The person.
        person: PersonId,
        /// Their team.
        team: UserId,
    },
    /// A person accepted that the database is an older one than was last seen, or another.
    RollbackAccepted {
        /// Position of the record that was last seen and is missing or differs.
        seen_seq: u64,
        /// Its hash.
        seen_hash: ChainHash,
    },
    /// A place outside was named that holds a copy of a key pair.
    ConsumerAdded {
        /// The consumer.
        consumer: ConsumerId,
        /// The connection whose pair it holds.
        connection: ConnectionId,
        /// Its name.
        name: String,
        /// What kind of place it is.
        kind: String,
    },
    /// A consumer's settings or secret were changed.
    ConsumerChanged {
        /// The consumer.
        consumer: ConsumerId,
        /// The connection whose pair it holds.
        connection: ConnectionId,
        /// Its name from then on.
        name: String,
        /// Whether it has another secret.
        secret_changed: bool,
    },
    /// A consumer was removed here. What it holds stays there.
    ConsumerRemoved {
        /// The consumer.
        consumer: ConsumerId,
        /// The connection whose pair it holds.
        connection: ConnectionId,
    },
    /// A rotation was planned, or opened because the pair is dead.
    RotationOpened {
        /// The rotation.
        rotation: RotationId,
        /// The connection.
        connection: ConnectionId,
        /// Why.
        cause: Cause,
        /// Where it begins.
        state: RotationState,
        /// Whether it is a rehearsal.
        rehearsal: bool,
        /// The ticket under which it was agreed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ticket: Option<String>,
    },
    /// Something happened to a rotation.
    RotationStepped {
        /// The rotation.
        rotation: RotationId,
        /// The connection.
        connection: ConnectionId,
        /// Its row's version from then on.
        version: u64,
        /// What happened, by name.
        step: String,
        /// Where it is from then on.
        state: RotationState,
        /// The consumer that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        consumer: Option<ConsumerId>,
        /// What there is to say about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// A rotation is done: the new pair is in use and the old one is dead.
    RotationCompleted {
        /// The rotation.
        rotation: RotationId,
        /// The connection.
        connection: ConnectionId,
        /// Why it was done.
        method: Cause,
        /// The version of the credential from then on; absent for a rehearsal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential_version: Option<u32>,
        /// Whether it was a rehearsal.
        rehearsal: bool,
    },
    /// How often a connection's pair is to be replaced was changed.
    RotationPolicyChanged {
        /// The connection.
        connection: ConnectionId,
        /// Every so many days.
        days: u32,
    },
    /// A connection's pair is due to be replaced soon, or was due. Each nearness of a day is told once.
    RotationDue {
        /// The connection.
        connection: ConnectionId,
        /// When it is due.
        due_at: Timestamp,
        /// How near that is.
        nearness: Nearness,
    },
}

words! {
    /// What ended a held request.
    ApprovalEnd {
        /// Nobody answered in time.
        Expired = "expired",
        /// Its access key, connection or everything was frozen.
        Frozen = "frozen",
        /// Its access key was revoked.
        Revoked = "revoked",
        /// It was approved, and something stood in the way.
        Refused = "refused",
    }
}

/// Gives the events their names, and the list of all of them.
macro_rules! names {
    ($($event:ident $name:literal),+ $(,)?) => {
        impl AuditEvent {
            /// Every name that an event can have.
            pub const NAMES: &[&str] = &[$($name),+];

            /// The event's name as it stands in the record, for example `request_permitted`.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$event { .. } => $name,)+
                }
            }
        }
    };
}

names! {
    Initialised "initialised",
    ConnectionAdded "connection_added",
    CredentialReplaced "credential_replaced",
    CredentialResealed "credential_resealed",
    ConnectionActivated "connection_activated",
    ConnectionRenamed "connection_renamed",
    LiveAttested "live_attested",
    ConnectionRemoved "connection_removed",
    KeyCreated "key_created",
    KeyScopeChanged "key_scope_changed",
    KeyRevoked "key_revoked",
    Frozen "frozen",
    Unfrozen "unfrozen",
    WindDownEnded "wind_down_ended",
    CheckedIn "checked_in",
    RequestPermitted "request_permitted",
    RequestAnswered "request_answered",
    ChargeReturned "charge_returned",
    LossReached "loss_reached",
    RequestRefused "request_refused",
    ApprovalRequested "approval_requested",
    ApprovalGranted "approval_granted",
    ApprovalDenied "approval_denied",
    ApprovalEnded "approval_ended",
    KekRotated "kek_rotated",
    DekRotated "dek_rotated",
    SecondFactorOn "second_factor_on",
    SecondFactorOff "second_factor_off",
    RecoveryCodesMade "recovery_codes_made",
    RecoveryCodeUsed "recovery_code_used",
    TokenCreated "token_created",
    TokenRevoked "token_revoked",
    AuditKeyMade "audit_key_made",
    AuditPruned "audit_pruned",
    UnusualUse "unusual_use",
    TradingChanged "trading_changed",
    BackupWritten "backup_written",
    BackupRestored "backup_restored",
    TeamFounded "team_founded",
    PersonInvited "person_invited",
    InvitationWithdrawn "invitation_withdrawn",
    PersonAdded "person_added",
    RoleChanged "role_changed",
    PersonRemoved "person_removed",
    SignedIn "signed_in",
    SignedOut "signed_out",
    SignInFailed "sign_in_failed",
    PasswordChanged "password_changed",
    ResetLinkMade "reset_link_made",
    RollbackAccepted "rollback_accepted",
    ConsumerAdded "consumer_added",
    ConsumerChanged "consumer_changed",
    ConsumerRemoved "consumer_removed",
    RotationOpened "rotation_opened",
    RotationStepped "rotation_stepped",
    RotationCompleted "rotation_completed",
    RotationPolicyChanged "rotation_policy_changed",
    RotationDue "rotation_due",
}
