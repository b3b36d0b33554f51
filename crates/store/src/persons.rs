//! Persons: who signs in, and with which role in which team.

use jiff::Timestamp;
use paddock_core::Role;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{PersonId, SessionId, UserId};

use crate::codec::{instant, micros, parse};
use crate::db::{Tx, row, sql};
use crate::{Store, StoreError, api_tokens, audit, factors, links, sessions};

/// Somebody who can sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their identifier.
    pub id: PersonId,
    /// Their team.
    pub team: UserId,
    /// The name by which they sign in, normalised: unique among all who were not removed.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// When they joined.
    pub created_at: Timestamp,
}

row! {
    struct Columns {
        id: String,
        user_id: String,
        name: String,
        role: String,
        password: Option<String>,
        created_at: i64,
    }
}

impl Columns {
    fn person(self) -> Result<(Person, String), StoreError> {
        let person = Person {
            id: parse(&self.id, "person")?,
            team: parse(&self.user_id, "person")?,
            name: self.name,
            role: parse(&self.role, "role")?,
            created_at: instant(self.created_at)?,
        };
        Ok((person, self.password.unwrap_or_default()))
    }
}

pub(crate) const NO_PERSON: StoreError = StoreError::NotFound { what: "person" };

impl Store {
    /// Whether there is anybody who can sign in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_persons(&self) -> Result<bool, StoreError> {
        any(&mut self.begin_read().await?).await
    }

    /// The person of that name, with the hash of their password.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person_named(&self, name: &str) -> Result<Option<(Person, String)>, StoreError> {
        let mut tx = self.begin_read().await?;
        let row = sql!(tx, fetch_optional Columns:
            "SELECT id, user_id, name, role, password, created_at FROM persons
             WHERE name = $1 AND removed_at IS NULL", name)?;
        row.map(Columns::person).transpose()
    }

    /// The person of that identifier, with the hash of their password; nobody who was removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn person(&self, id: PersonId) -> Result<Option<(Person, String)>, StoreError> {
        find(&mut self.begin_read().await?, id).await
    }

    /// The persons of a team, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn persons(&self, team: UserId) -> Result<Vec<Person>, StoreError> {
        of_team(&mut self.begin_read().await?, team).await
    }

    /// Changes what a person may do.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the team has no such person; [`StoreError::LastOwner`] when the team would have no owner.
    pub async fn set_role(
        &self,
        team: UserId,
        id: PersonId,
        role: Role,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let person = of(&mut tx, team, id).await?;
        if person.role == role {
            return Ok(());
        }
        if person.role == Role::Owner {
            check_other_owner(&mut tx, team, id).await?;
        }
        sql!(tx, execute "UPDATE persons SET role = $1 WHERE id = $2", role.as_str(), id.to_string())?;
        let event = AuditEvent::RoleChanged { person: id, team, old: person.role, new: role };
        audit::append(&mut tx, actor, &event, at).await?;
        tx.commit().await
    }

    /// Removes a person: erases their password and second factor, and ends their sessions and API tokens. What they did stays recorded under their name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the team has no such person; [`StoreError::LastOwner`] when the team would have no owner.
    pub async fn remove_person(
        &self,
        team: UserId,
        id: PersonId,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin_write().await?;
        let person = of(&mut tx, team, id).await?;
        if person.role == Role::Owner {
            check_other_owner(&mut tx, team, id).await?;
        }
        sql!(tx, execute "UPDATE persons SET removed_at = $1, password = NULL WHERE id = $2",
            micros(at), id.to_string())?;
        sessions::end_all_of(&mut tx, id, None).await?;
        links::remove_all_for(&mut tx, id).await?;
        factors::erase(&mut tx, id, at).await?;
        audit::append(&mut tx, actor, &AuditEvent::PersonRemoved { person: id, team }, at).await?;
        tx.commit().await
    }

    /// Gives a person another password, by its hash, and ends all their sessions but `keep`; on demand their API tokens too. How many of
    /// those that was.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such person.
    pub async fn set_password(
        &self,
        id: PersonId,
        password: &str,
        keep: Option<SessionId>,
        revoke_tokens: bool,
        actor: &Actor,
        at: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut tx = self.begin_write().await?;
        let person = replace_password(&mut tx, id, password, keep, actor, at).await?;
        let revoked =
            if revoke_tokens { api_tokens::revoke_all_of(&mut tx, &person, actor, at).await? } else { 0 };
        tx.commit().await?;
        Ok(revoked)
    }

    /// Whether a link into the demo works that signs this person in.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn has_demo_link(&self, person: PersonId, now: Timestamp) -> Result<bool, StoreError> {
        let mut tx = self.begin_read().await?;
        let (links,) = sql!(tx, fetch_one (i64,):
            "SELECT COUNT(*) FROM links WHERE kind = 'demo' AND person_id = $1 AND expires_at > $2",
            person.to_string(), micros(now))?;
        Ok(links > 0)
    }

    /// Records that somebody tried to sign in as a person and could not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn record_failed_sign_ins(
        &self,
        person: &Person,
        attempts: u32,
        network: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let event = AuditEvent::SignInFailed {
            person: person.id,
            team: person.team,
            attempts,
            network: network.to_owned(),
        };
        self.append_audit(&Actor::System, &event, at).await.map(drop)
    }
}

pub(crate) async fn any(tx: &mut Tx) -> Result<bool, StoreError> {
    let (count,) = sql!(tx, fetch_one (i64,): "SELECT COUNT(*) FROM persons WHERE removed_at IS NULL")?;
    Ok(count > 0)
}

pub(crate) async fn find(tx: &mut Tx, id: PersonId) -> Result<Option<(Person, String)>, StoreError> {
    let row = sql!(tx, fetch_optional Columns:
        "SELECT id, user_id, name, role, password, created_at FROM persons
         WHERE id = $1 AND removed_at IS NULL", id.to_string())?;
    row.map(Columns::person).transpose()
}

async fn of_team(tx: &mut Tx, team: UserId) -> Result<Vec<Person>, StoreError> {
    let rows = sql!(tx, fetch_all Columns:
        "SELECT id, user_id, name, role, password, created_at FROM persons
         WHERE user_id = $1 AND removed_at IS NULL ORDER BY created_at, id", team.to_string())?;
    rows.into_iter().map(|row| row.person().map(|(person, _)| person)).collect()
}

async fn of(tx: &mut Tx, team: UserId, id: PersonId) -> Result<Person, StoreError> {
    let found = find(tx, id).await?;
    found.map(|(person, _)| person).filter(|person| person.team == team).ok_or(NO_PERSON)
}

/// All persons of all teams, for the check of the audit chain.
pub(crate) async fn all(tx: &mut Tx) -> Result<Vec<Person>, StoreError> {
    let rows = sql!(tx, fetch_all Columns:
        "SELECT id, user_id, name, role, password, created_at FROM persons WHERE removed_at IS NULL ORDER BY id")?;
    rows.into_iter().map(|row| row.person().map(|(person, _)| person)).collect()
}

async fn check_other_owner(tx: &mut Tx, team: UserId, id: PersonId) -> Result<(), StoreError> {
    let others = of_team(tx, team).await?;
    if others.iter().any(|person| person.role == Role::Owner && person.id != id) {
        Ok(())
    } else {
        Err(StoreError::LastOwner)
    }
}

/// Adds a person, with the record of it.
pub(crate) async fn insert(
    tx: &mut Tx,
    person: &Person,
    password: &str,
    invitation: Option<paddock_core::id::LinkId>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (same_name,) = sql!(tx, fetch_one (i64,):
        "SELECT COUNT(*) FROM persons WHERE name = $1 AND removed_at IS NULL", person.name.as_str())?;
    if same_name > 0 {
        return Err(StoreError::NameTaken { name: person.name.clone() });
    }
    sql!(tx, execute
        "INSERT INTO persons (id, user_id, name, role, password, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        person.id.to_string(), person.team.to_string(), person.name.as_str(), person.role.as_str(), password,
        micros(person.created_at))?;
    let event = AuditEvent::PersonAdded {
        person: person.id,
        name: person.name.clone(),
        team: person.team,
        role: person.role,
        invitation,
    };
    let actor = Actor::Person { id: person.id, name: person.name.clone() };
    audit::append(tx, &actor, &event, at).await?;
    Ok(())
}

pub(crate) async fn replace_password(
    tx: &mut Tx,
    id: PersonId,
    password: &str,
    keep: Option<SessionId>,
    actor: &Actor,
    at: Timestamp,
) -> Result<Person, StoreError> {
    let (person, _) = find(tx, id).await?.ok_or(NO_PERSON)?;
    sql!(tx, execute "UPDATE persons SET password = $1 WHERE id = $2", password, id.to_string())?;
    sessions::end_all_of(tx, id, keep).await?;
    links::remove_all_for(tx, id).await?;
    audit::append(tx, actor, &AuditEvent::PasswordChanged { person: id, team: person.team }, at).await?;
    Ok(person)
}
