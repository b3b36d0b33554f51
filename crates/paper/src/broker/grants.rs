//! OAuth: which programs are registered, and what people have granted them.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use paddock_alpaca::error::AlpacaError;
use paddock_alpaca::oauth::OAuthScopes;
use paddock_core::Environment;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Account, Broker, Reply, not_offered};

/// A program that may ask people for access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OAuthClient {
    /// 32 hexadecimal digits.
    pub client_id: String,
    /// What people are told that it is called.
    pub name: String,
    /// Where people may be sent back to, each exactly as it is asked for.
    pub redirect_uris: Vec<String>,
    /// SHA-256 of its secret, 64 lower-case hexadecimal digits.
    pub secret_sha256: String,
}

/// What a person has granted a program: one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Its name among the grants; not the token.
    pub id: Uuid,
    /// To which program.
    pub client_id: String,
    /// To which accounts: at most one of each environment.
    pub accounts: Vec<Uuid>,
    /// What the program may do.
    pub scopes: OAuthScopes,
    /// SHA-256 of the token, 64 lower-case hexadecimal digits.
    pub token_sha256: String,
}

/// A registered program, and since when it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// The program.
    pub client: OAuthClient,
    /// Since when.
    pub since: Timestamp,
}

/// A grant, and since when it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The grant.
    pub grant: Grant,
    /// Since when.
    pub since: Timestamp,
}

/// All programs and grants.
#[derive(Debug, Default)]
pub(super) struct Grants {
    clients: BTreeMap<String, Registered>,
    grants: BTreeMap<Uuid, Granted>,
    /// Grant by the hash of its token. Who can choose what is looked up cannot choose its hash, so that the time that this takes
    /// tells nothing.
    by_token: HashMap<String, Uuid>,
}

impl Grants {
    fn revoke(&mut self, id: Uuid) -> Option<Granted> {
        let granted = self.grants.remove(&id)?;
        self.by_token.remove(&granted.grant.token_sha256);
        Some(granted)
    }

    fn revoke_all_of(&mut self, client_id: &str) {
        let theirs = self.grants.values().filter(|granted| granted.grant.client_id == client_id);
        let theirs: Vec<Uuid> = theirs.map(|granted| granted.grant.id).collect();
        for id in theirs {
            self.revoke(id);
        }
    }

    /// Takes an account out of all grants; those that open nothing any more end.
    fn forget_account(&mut self, account: Uuid) {
        for granted in self.grants.values_mut() {
            granted.grant.accounts.retain(|opened| *opened != account);
        }
        let empty = self.grants.values().filter(|granted| granted.grant.accounts.is_empty());
        let empty: Vec<Uuid> = empty.map(|granted| granted.grant.id).collect();
        for id in empty {
            self.revoke(id);
        }
    }
}

impl Broker {
    /// The registered programs, by their client ids.
    pub fn oauth_clients(&self) -> impl Iterator<Item = &Registered> {
        self.grants.clients.values()
    }

    /// The registered program with that client id.
    #[must_use]
    pub fn oauth_client(&self, client_id: &str) -> Option<&OAuthClient> {
        self.grants.clients.get(client_id).map(|registered| &registered.client)
    }

    /// What people have granted, by id.
    pub fn oauth_grants(&self) -> impl Iterator<Item = &Granted> {
        self.grants.grants.values()
    }

    /// The grant with that id.
    #[must_use]
    pub fn oauth_grant(&self, id: Uuid) -> Option<&Grant> {
        self.grants.grants.get(&id).map(|granted| &granted.grant)
    }

    /// The grant whose token has that hash.
    #[must_use]
    pub fn oauth_grant_by_token(&self, token_sha256: &str) -> Option<&Grant> {
        self.oauth_grant(*self.grants.by_token.get(token_sha256)?)
    }

    /// The account of an environment that a grant opens.
    #[must_use]
    pub fn granted_account(&self, grant: &Grant, environment: Environment) -> Option<&Account> {
        grant.accounts.iter().filter_map(|id| self.account(*id)).find(|open| open.environment == environment)
    }

    pub(super) fn register_client(&mut self, client: &OAuthClient) -> Reply {
        let registered = Registered { client: client.clone(), since: self.now };
        self.grants.clients.insert(client.client_id.clone(), registered);
        Reply::Done
    }

    pub(super) fn set_client_secret(
        &mut self,
        client_id: &str,
        secret_sha256: &str,
    ) -> Result<Reply, AlpacaError> {
        let registered =
            self.grants.clients.get_mut(client_id).ok_or_else(not_offered::no_such_oauth_client)?;
        registered.client.secret_sha256 = secret_sha256.to_owned();
        Ok(Reply::Done)
    }

    pub(super) fn delete_client(&mut self, client_id: &str) -> Result<Reply, AlpacaError> {
        self.grants.clients.remove(client_id).ok_or_else(not_offered::no_such_oauth_client)?;
        self.grants.revoke_all_of(client_id);
        Ok(Reply::Done)
    }

    /// The program and all accounts must still be there.
    pub(super) fn grant(&mut self, grant: &Grant) -> Result<Reply, AlpacaError> {
        self.oauth_client(&grant.client_id).ok_or_else(not_offered::no_such_oauth_client)?;
        for account in &grant.accounts {
            self.existing(*account)?;
        }
        self.grants.by_token.insert(grant.token_sha256.clone(), grant.id);
        self.grants.grants.insert(grant.id, Granted { grant: grant.clone(), since: self.now });
        Ok(Reply::Done)
    }

    pub(super) fn revoke_grant(&mut self, id: Uuid) -> Result<Reply, AlpacaError> {
        self.grants.revoke(id).ok_or_else(not_offered::no_such_oauth_grant)?;
        Ok(Reply::Done)
    }

    /// The account, its pair, its orders and what was granted of it are gone.
    pub(super) fn delete_account(&mut self, id: Uuid) -> Result<Reply, AlpacaError> {
        self.set_key(id, None)?;
        self.schedule.retain(|_, scheduled| scheduled.account != id);
        self.accounts.remove(&id);
        self.grants.forget_account(id);
        Ok(Reply::Done)
    }
}
