//! Connecting an account: look at the pair, ask Alpaca, and only then store it sealed.

use paddock_alpaca::client::Granted;
use paddock_alpaca::credential::Credential;
use paddock_alpaca::oauth::OauthFault;
use paddock_alpaca::probe;
use paddock_alpaca::wire::Account;
use paddock_core::audit::AuditEvent;
use paddock_core::id::ConnectionId;
use paddock_core::{Environment, SecretText};
use paddock_store::{Attestation, Connection, FingerprintMatch, SealedCredential, SealedParts};
use paddock_vault::{Binding, Field, Fingerprint};

use super::{attestation, connect_problem as problem};
use crate::desk::Desk;
use crate::problem::Problem;
use crate::sealing::current_dek;

/// What the person asked for.
pub(crate) struct Wish {
    pub(crate) name: String,
    pub(crate) environment: Environment,
    pub(crate) given: Given,
    pub(crate) replace: Replace,
    /// What was signed, for a new live connection.
    pub(crate) attestation: Option<Attestation>,
}

/// The credential.
pub(crate) enum Given {
    /// A pair, which is repaired already.
    Pair {
        /// The Key ID.
        key_id: SecretText,
        /// The Secret Key.
        secret_key: SecretText,
    },
    /// What came of a yes at Alpaca.
    Token(Granted),
}

/// Whether the credential of a connection that is there may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replace {
    /// No: a new connection is meant.
    Never,
    /// That of whichever connection is to the same account.
    OfTheAccount,
    /// That of this one, which must be to the same account.
    Only(ConnectionId),
}

/// What was connected.
pub(crate) struct Connected {
    pub(crate) connection: Connection,
    pub(crate) account: Account,
    pub(crate) replaced: bool,
}

/// The fingerprints by which a credential is known again without being kept: of the Key ID, if there is one, and of what alone lets
/// somebody in.
struct Fingerprints {
    key_id: Option<Fingerprint>,
    secret: Fingerprint,
}

/// Connects an account. Nothing is stored unless everything passes. Whoever calls has seen to it that this person may, before the
/// credential is sent anywhere.
pub(crate) async fn connect(desk: &Desk, wish: Wish) -> Result<Connected, Problem> {
    let (credential, fingerprints) = match &wish.given {
        Given::Pair { key_id, secret_key } => {
            problem::check_shape(key_id, secret_key)?;
            let (of_id, secret) = (desk.sealer.fingerprint(key_id)?, desk.sealer.fingerprint(secret_key)?);
            check_known_halves(desk, &wish, &of_id, &secret).await?;
            let pair = Credential::KeyPair { key_id: key_id.clone(), secret_key: secret_key.clone() };
            (pair, Fingerprints { key_id: Some(of_id), secret })
        }
        Given::Token(granted) => {
            let secret = desk.sealer.fingerprint(&granted.token)?;
            (Credential::OauthToken(granted.token.clone()), Fingerprints { key_id: None, secret })
        }
    };
    let probed = probe(&desk.client, &credential, wish.environment).await;
    drop(credential);
    let account = probed.map_err(|fault| problem::of_probe(desk, &fault))?;
    let connections = desk.store.connections(desk.user).await?;
    let account_id = account.id.to_string();
    let is_same =
        |known: &&Connection| known.account_id == account_id && known.environment == wish.environment;
    if let Replace::Only(id) = wish.replace {
        let known = connections.iter().find(|known| known.id == id).ok_or_else(problem::gone)?;
        if !is_same(&known) {
            return Err(match (&wish.given, connections.iter().find(is_same)) {
                (_, Some(other)) => problem::of_another_connection(other),
                (Given::Pair { .. }, None) => problem::another_account(known, account.account_number),
                (Given::Token(_), None) => {
                    let (expected, found) = (known.account_number.clone(), account.account_number);
                    problem::of_fault(&OauthFault::OtherAccount { expected, found }.into())
                }
            });
        }
        return replace(desk, known, &wish, &fingerprints, account).await;
    }
    match connections.iter().find(is_same) {
        Some(known) if wish.replace == Replace::OfTheAccount => {
            replace(desk, known, &wish, &fingerprints, account).await
        }
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
async fn check_known_halves(
    desk: &Desk,
    wish: &Wish,
    key_id: &Fingerprint,
    secret_key: &Fingerprint,
) -> Result<(), Problem> {
    let matches = desk.store.find_fingerprints(key_id.as_bytes(), secret_key.as_bytes()).await?;
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
        return match (in_use, wish.replace) {
            (None, _) => Ok(()),
            (Some(connection), Replace::Never) => Err(problem::already_connected(&connection)),
            (Some(connection), Replace::Only(id)) if connection.id != id => {
                Err(problem::of_another_connection(&connection))
            }
            (Some(connection), _) => Err(problem::same_pair(&connection)),
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

/// Seals the credential for its place under the user's data-encryption key, which is made if there is none.
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
    let fingerprint = fingerprints.secret.as_bytes().to_vec();
    let secret = match &wish.given {
        Given::Pair { key_id, secret_key } => SealedParts::KeyPair {
            key_id: seal(Field::KeyId, key_id, seals)?,
            secret_key: seal(Field::SecretKey, secret_key, seals.saturating_add(1))?,
            key_id_fingerprint: fingerprints
                .key_id
                .as_ref()
                .map(|it| it.as_bytes().to_vec())
                .unwrap_or_default(),
            secret_fingerprint: fingerprint,
        },
        Given::Token(granted) => SealedParts::OauthToken {
            token: seal(Field::OauthToken, &granted.token, seals)?,
            fingerprint,
            scopes: granted.scopes.to_string(),
        },
    };
    Ok(SealedCredential { connection, version, dek: dek.id(), secret, created_at: now })
}
