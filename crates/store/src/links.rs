//! Links that work once, by the hash of what they hold: the set-up link, invitations, and links for another password.

use jiff::Timestamp;
use paddock_core::Role;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{LinkId, PersonId, UserId};

use crate::codec::{instant, micros, parse};
use crate::db::{Tx, row, sql};
use crate::persons::{self, Person};
use crate::{Store, StoreError, api_tokens, audit, users};

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFor {
    /// The first owner of the first team. There is one such link at most, and none once somebody can sign in.
    Setup,
    /// Somebody who is invited into a team.
    Join {
        /// The team.
        team: UserId,
        /// The role that they will have.
        role: Role,
    },
    /// Somebody who is invited to found a team, as its owner.
    Found {
        /// The team of whoever invited.
        invited_by: UserId,
        /// The name of the team to be.
        name: String,
    },
    /// Somebody who sets another password.
    Reset(PersonId),
    /// The demo's owner, who is signed in without a password. It works until it expires.
    Demo(PersonId),
}

/// A link that was not used yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its identifier, which opens nothing.
    pub id: LinkId,
    /// What it is for.
    pub purpose: LinkFor,
    /// For whom, in the words of whoever made it.
    pub label: String,
    /// Who made it.
    pub actor: Actor,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it does not work.
    pub expires_at: Timestamp,
}

row! {
    struct Columns {
        id: String,
        kind: String,
        user_id: Option<String>,
        invited_by: Option<String>,
        team_name: Option<String>,
        role: Option<String>,
        person_id: Option<String>,
        label: String,
        actor: String,
        created_at: i64,
        expires_at: i64,
    }
}

const MALFORMED: StoreError = StoreError::Malformed { what: "link" };

impl Columns {
    fn link(self) -> Result<Link, StoreError> {
        fn read<T: std::str::FromStr>(text: Option<String>) -> Result<T, StoreError> {
            parse(&text.ok_or(MALFORMED)?, "link")
        }
        let purpose = match (self.kind.as_str(), self.team_name) {
            ("setup", _) => LinkFor::Setup,
            ("invitation", Some(name)) => LinkFor::Found { invited_by: read(self.invited_by)?, name },
            ("invitation", None) => LinkFor::Join { team: read(self.user_id)?, role: read(self.role)? },
            ("reset", _) => LinkFor::Reset(read(self.person_id)?),
            ("demo", _) => LinkFor::Demo(read(self.person_id)?),
            _ => return Err(MALFORMED),
        };
        Ok(Link {
            id: parse(&self.id, "link")?,
            purpose,
            label: self.label,
            actor: serde_json::from_str(&self.actor).map_err(|_| MALFORMED)?,
            created_at: instant(self.created_at)?,
            expires_at: instant(self.expires_at)?,
        })
    }
}

/// Who a person will be that comes by a link.
#[derive(Clone, PartialEq, Eq)]
pub struct Newcomer {
    /// Their identifier.
    pub id: PersonId,
    /// The name by which they will sign in, normalised.
    pub name: String,
    /// The hash of their password.
    pub password: String,
    /// The identifier of the team, should they found one.
    pub team: UserId,
}

impl std::fmt::Debug for Newcomer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Newcomer({}, {})", self.id, self.name)
    }
}

impl Store {
    /// Keeps a new link by the hash of its token, with the record of it. A new set-up link or one for another password takes the place
    /// of the one before.
    ///
    /// # Errors
    /// [`StoreError::LinkGone`] for a set-up link when somebody can sign in already; [`StoreError::NotFound`] when the person is not
    /// there.
    pub async fn insert_link(&self, link: &Link, token_hash: &[u8; 32]) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let (kind, mut team, mut invited_by, mut name, mut role, mut person) =
            ("invitation", None, None, None, None, None);
        let mut event = None;
        let kind = match &link.purpose {
            LinkFor::Setup => {
                if persons::any(&mut tx).await? {
                    return Err(StoreError::LinkGone);
                }
                sql!(tx, execute "DELETE FROM links WHERE kind = 'setup'")?;
                "setup"
            }
            LinkFor::Join { team: into, role: given } => {
                (team, invited_by, role) = (Some(*into), Some(*into), Some(*given));
                event = Some(AuditEvent::PersonInvited {
                    invitation: link.id,
                    team: *into,
                    founds: None,
                    role: *given,
                    label: link.label.clone(),
                });
                kind
            }
            LinkFor::Found { invited_by: by, name: of_team } => {
                (invited_by, name, role) = (Some(*by), Some(of_team.as_str()), Some(Role::Owner));
                event = Some(AuditEvent::PersonInvited {
                    invitation: link.id,
                    team: *by,
                    founds: Some(of_team.clone()),
                    role: Role::Owner,
                    label: link.label.clone(),
                });
                kind
            }
            LinkFor::Reset(id) => {
                let (found, _) = persons::find(&mut tx, *id).await?.ok_or(persons::NO_PERSON)?;
                remove_all_for(&mut tx, *id).await?;
                person = Some(*id);
                event = Some(AuditEvent::ResetLinkMade { person: *id, team: found.team });
                "reset"
            }
            LinkFor::Demo(id) => {
                person = Some(*id);
                "demo"
            }
        };
        let actor =
            serde_json::to_string(&link.actor).map_err(|_| StoreError::Malformed { what: "actor" })?;
        let text = |id: Option<UserId>| id.map(|id| id.to_string());
        let at = link.created_at;
        sql!(tx, execute "DELETE FROM links WHERE expires_at <= $1", micros(at))?;
        sql!(tx, execute
            "INSERT INTO links (id, token_hash, kind, user_id, invited_by, team_name, role, person_id, label, actor, created_at,
                                expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            link.id.to_string(), token_hash.as_slice(), kind, text(team), text(invited_by), name, role.map(Role::as_str),
            person.map(|id| id.to_string()), link.label.as_str(), actor.as_str(), micros(at), micros(link.expires_at))?;
        if let Some(event) = event {
            audit::append(&mut tx, &link.actor, &event, at).await?;
        }
        tx.commit().await
    }

    /// The link whose token has that hash, if it still works.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn link(&self, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<Link>, StoreError> {
        find(&mut self.begin_read().await?, token_hash, now).await
    }

    /// The invitations that a team has given and nobody has used yet, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn invitations(&self, team: UserId, now: Timestamp) -> Result<Vec<Link>, StoreError> {
        let mut tx = self.begin_read().await?;
        let rows = sql!(tx, fetch_all Columns:
            "SELECT id, kind, user_id, invited_by, team_name, role, person_id, label, actor, created_at, expires_at FROM links
             WHERE kind = 'invitation' AND invited_by = $1 AND expires_at > $2 ORDER BY created_at, id",
            team.to_string(), micros(now))?;
        rows.into_iter().map(Columns::link).collect()
    }

    /// Withdraws an invitation that a team has given.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none, or it was used.
    pub async fn withdraw_invitation(
        &self,
        team: UserId,
        id: LinkId,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let found = sql!(tx, execute "DELETE FROM links WHERE id = $1 AND kind = 'invitation' AND invited_by = $2",
            id.to_string(), team.to_string())?;
        if found == 0 {
            return Err(StoreError::NotFound { what: "invitation" });
        }
        audit::append(&mut tx, actor, &AuditEvent::InvitationWithdrawn { invitation: id, team }, at).await?;
        tx.commit().await
    }

    /// Uses the set-up link or an invitation: the person is there, and the team if they found one. The link is used up.
    ///
    /// # Errors
    /// [`StoreError::LinkGone`] when it does not work any more, or is not for this; [`StoreError::NameTaken`], and then it still works.
    pub async fn join(
        &self,
        token_hash: &[u8; 32],
        newcomer: &Newcomer,
        at: Timestamp,
    ) -> Result<Person, StoreError> {
        let mut tx = self.begin_write().await?;
        let link = find(&mut tx, token_hash, at).await?.ok_or(StoreError::LinkGone)?;
        let (team, role, invitation) = match &link.purpose {
            LinkFor::Setup => {
                if persons::any(&mut tx).await? {
                    return Err(StoreError::LinkGone);
                }
                (users::first(&mut tx).await?.ok_or(StoreError::LinkGone)?, Role::Owner, None)
            }
            LinkFor::Join { team, role } => (*team, *role, Some(link.id)),
            LinkFor::Found { name, .. } => {
                let actor = Actor::Person { id: newcomer.id, name: newcomer.name.clone() };
                users::found(&mut tx, newcomer.team, name, &actor, at).await?;
                (newcomer.team, Role::Owner, Some(link.id))
            }
            LinkFor::Reset(_) | LinkFor::Demo(_) => return Err(StoreError::LinkGone),
        };
        let person = Person { id: newcomer.id, team, name: newcomer.name.clone(), role, created_at: at };
        persons::insert(&mut tx, &person, &newcomer.password, invitation, at).await?;
        sql!(tx, execute "DELETE FROM links WHERE token_hash = $1", token_hash.as_slice())?;
        tx.commit().await?;
        Ok(person)
    }

    /// Uses a link for another password, given by its hash. All sessions and API tokens of the person end: the password may be another one
    /// because somebody else knew it.
    ///
    /// # Errors
    /// [`StoreError::LinkGone`] when it does not work any more, or is not for this.
    pub async fn reset_password(
        &self,
        token_hash: &[u8; 32],
        password: &str,
        at: Timestamp,
    ) -> Result<Person, StoreError> {
        let mut tx = self.begin_write().await?;
        let link = find(&mut tx, token_hash, at).await?.ok_or(StoreError::LinkGone)?;
        let LinkFor::Reset(id) = link.purpose else { return Err(StoreError::LinkGone) };
        let (person, _) = persons::find(&mut tx, id).await?.ok_or(StoreError::LinkGone)?;
        let actor = Actor::Person { id, name: person.name.clone() };
        persons::replace_password(&mut tx, id, password, None, &actor, at).await?;
        api_tokens::revoke_all_of(&mut tx, &person, &actor, at).await?;
        tx.commit().await?;
        Ok(person)
    }
}

async fn find(tx: &mut Tx, token_hash: &[u8; 32], now: Timestamp) -> Result<Option<Link>, StoreError> {
    let row = sql!(tx, fetch_optional Columns:
        "SELECT id, kind, user_id, invited_by, team_name, role, person_id, label, actor, created_at, expires_at FROM links
         WHERE token_hash = $1 AND expires_at > $2", token_hash.as_slice(), micros(now))?;
    row.map(Columns::link).transpose()
}

/// Removes what a person could set a password by.
pub(crate) async fn remove_all_for(tx: &mut Tx, person: PersonId) -> Result<(), StoreError> {
    sql!(tx, execute "DELETE FROM links WHERE person_id = $1 AND kind = 'reset'", person.to_string())?;
    Ok(())
}
