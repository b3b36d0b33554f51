//! Connecting an account: look at the pair, ask Alpaca, and only then store it sealed.

use paddock_alpaca::credential::Credential;
use paddock_alpaca::probe;
use paddock_alpaca::wire::Account;
use paddock_core::audit::AuditEvent;
use paddock_core::id::ConnectionId;
use paddock_core::{Environment, SecretText};
use paddock_store::{Attestation, Connection, FingerprintMatch, SealedCredential};
use paddock_vault::{Binding, Field, Fingerprint};

use super::{attestation, connect_problem as problem};
use crate::desk::Desk;
use crate::fresh::Matter;
use crate::problem::Problem;
use crate::sealing::current_dek;

/// What the person asked for. The pair is repaired already.
pub(super) struct Wish {
    pub(super) name: String,
    pub(super) environment: Environment,
    pub(super) key_id: SecretText,
    pub(super) secret_key: SecretText,
    /// Whether the credential of a connection to the same account may be replaced.
    pub(super) replace: bool,
    /// What was signed, for a new live connection.
    pub(super) attestation: Option<Attestation>,
}

/// What was connected.
pub(super) struct Connected {
    pub(super) connection: Connection,
    pub(super) account: Account,
    pub(super) replaced: bool,
}

/// The pair's fingerprints, by which it is known again without being kept.
struct Fingerprints {
    key_id: Fingerprint,
    secret_key: Fingerprint,
}

/// Connects an account. Nothing is stored unless everything passes.
pub(super) async fn connect(desk: &Desk, wish: Wish) -> Result<Connected, Problem> {
    // Before anything else, so that a pair is never sent anywhere by whoever may not connect it.
    match wish.environment {
        Environment::Live => desk.need_second_factor().await?,
        Environment::Paper if wish.replace => desk.need_fresh(Matter::Work)?,
        Environment::Paper => {}
    }
    problem::check_shape(&wish.key_id, &wish.secret_key)?;
    let fingerprints = Fingerprints {
        key_id: desk.sealer.fingerprint(&wish.key_id)?,
        secret_key: desk.sealer.fingerprint(&wish.secret_key)?,
    };
    check_known_halves(desk, &wish, &fingerprints).await?;
    let pair = Credential::KeyPair { key_id: wish.key_id.clone(), secret_key: wish.secret_key.clone() };
    let account =
        probe(&desk.client, &pair, wish.environment).await.map_err(|fault| problem::of_fault(&fault))?;
    let connections = desk.store.connections(desk.user).await?;
    let account_id = account.id.to_string();
    let same_account = connections
        .iter()
        .find(|known| known.account_id == account_id && known.environment == wish.environment);
    match same_account {
        Some(known) if wish.replace => replace(desk, known, &wish, &fingerprints, account).await,
        Some(known) => Err(problem::already_connected(known)),
        None => match connections.iter().find(|known| known.name == wish.name) {
            Some(known) => Err(problem::name_taken(known, &account.account_number)),
            None => {
                attestation::check(desk, wish.environment, wish.attestation.as_ref())?;
                add(desk, wish, &fingerprints, account).await
            }
        },
    }
}

/// Looks for the pair among those that are or were stored: half of a known pair with another half is a slip that Alpaca could only
/// answer with "unauthorized".
async fn check_known_halves(desk: &Desk, wish: &Wish, fingerprints: &Fingerprints) -> Result<(), Problem> {
    let matches = desk
        .store
        .find_fingerprints(fingerprints.key_id.as_bytes(), fingerprints.secret_key.as_bytes())
        .await?;
    let whole = matches.iter().find(|known| known.key_id_matches && known.secret_matches);
    if let Some(known) = whole {
        // A pair that was replaced, or whose connection was removed, may still be good: Alpaca says.
        let connection = desk.store.connection(known.connection).await?;
        let in_use = connection.filter(|connection| {
            connection.removed_at.is_none()
                && connection.credential_version == known.version
                && connection.environment == wish.environment
                && connection.user == desk.user
        });
        return match in_use {
            Some(connection) if wish.replace => Err(problem::same_pair(&connection)),
            Some(connection) => Err(problem::already_connected(&connection)),
            None => Ok(()),
        };
    }
    let key_id_of = name_of(desk, matches.iter().find(|known| known.key_id_matches)).await?;
    let secret_of = name_of(desk, matches.iter().find(|known| known.secret_matches)).await?;
    match (key_id_of, secret_of) {
        (None, None) => Ok(()),
        (key_id_of, secret_of) => Err(problem::torn_pair(key_id_of.as_deref(), secret_of.as_deref())),
    }
}

async fn name_of(desk: &Desk, known: Option<&FingerprintMatch>) -> Result<Option<String>, Problem> {
    let Some(known) = known else { return Ok(None) };
    let connection = desk.store.connection(known.connection).await?;
    Ok(connection.filter(|connection| connection.user == desk.user).map(|connection| connection.name))
}

async fn add(
    desk: &Desk,
    wish: Wish,
    fingerprints: &Fingerprints,
    account: Account,
) -> Result<Connected, Problem> {
    let now = desk.now();
    let id = ConnectionId::generate(now, &*desk.entropy);
    let credential = seal(desk, id, 1, &wish, fingerprints).await?;
    let row = Connection {
        id,
        user: desk.user,
        name: wish.name,
        environment: wish.environment,
        account_id: account.id.to_string(),
        account_number: account.account_number.clone(),
        status: account.status.clone(),
        active: false,
        frozen: false,
        created_at: now,
        checked_at: now,
        credential_version: 1,
        removed_at: None,
    };
    let attestation = wish.attestation.as_ref();
    let connection =
        desk.store.add_attested_connection(&row, &credential, attestation, &desk.actor(), now).await?;
    desk.reload().await?;
    Ok(Connected { connection, account, replaced: false })
}

async fn replace(
    desk: &Desk,
    known: &Connection,
    wish: &Wish,
    fingerprints: &Fingerprints,
    account: Account,
) -> Result<Connected, Problem> {
    let version = known.credential_version.saturating_add(1);
    let credential = seal(desk, known.id, version, wish, fingerprints).await?;
    let event =
        AuditEvent::CredentialReplaced { connection: known.id, version, sealed_digest: credential.digest() };
    let now = desk.now();
    desk.store.replace_credential(known.id, &credential, &event, &desk.actor(), now).await?;
    desk.store.mark_checked(known.id, &account.status, now).await?;
    desk.reload().await?;
    let connection = super::named(desk, &known.name).await?;
    Ok(Connected { connection, account, replaced: true })
}

/// Seals the pair for its place under the user's data-encryption key, which is made if there is none.
async fn seal(
    desk: &Desk,
    connection: ConnectionId,
    version: u32,
    wish: &Wish,
    fingerprints: &Fingerprints,
) -> Result<SealedCredential, Problem> {
    let now = desk.now();
    let dek = current_dek(desk).await?;
    // Counted before sealing: after a crash the count may be too high, never too low.
    let seals = desk.store.count_seals(dek.id(), 2).await?;
    let seal = |field, secret: &SecretText, seals| {
        let place = Binding { user: desk.user, connection, field, version };
        desk.sealer.seal(&dek, seals, &place, secret, &*desk.entropy).map(|sealed| sealed.to_bytes())
    };
    Ok(SealedCredential {
        connection,
        version,
        dek: dek.id(),
        key_id: seal(Field::KeyId, &wish.key_id, seals)?,
        secret_key: seal(Field::SecretKey, &wish.secret_key, seals.saturating_add(1))?,
        key_id_fingerprint: fingerprints.key_id.as_bytes().to_vec(),
        secret_fingerprint: fingerprints.secret_key.as_bytes().to_vec(),
        created_at: now,
    })
}
