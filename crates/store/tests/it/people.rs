//! Teams, persons, sessions, and links that work once.

use jiff::SignedDuration;
use paddock_core::Role;
use paddock_core::audit::{Actor, AuditEvent};
use paddock_core::id::{LinkId, PersonId, SessionId, UserId};
use paddock_store::{ApiToken, AuditQuery, Link, LinkFor, Newcomer, Person, Session, Store, StoreError};

use crate::factors::token;
use crate::support::*;

on_both!(
    the_set_up_link_makes_the_first_owner_once,
    an_invitation_works_once_and_until_it_is_withdrawn,
    a_team_that_is_founded_is_of_its_own,
    the_last_owner_stays,
    sessions_end,
    another_password_ends_sessions_links_and_tokens,
    a_demos_owner_has_a_link_that_signs_them_in,
    a_team_sees_its_own_records,
    an_account_has_one_place,
);

fn link(purpose: LinkFor) -> Link {
    Link {
        id: LinkId::generate(at(), &ENTROPY),
        purpose,
        label: "Grace \"\n".to_owned(),
        actor: PERSON,
        created_at: at(),
        expires_at: later(3_600_000_000),
    }
}

fn newcomer(name: &str) -> Newcomer {
    Newcomer {
        id: PersonId::generate(at(), &ENTROPY),
        name: name.to_owned(),
        password: format!("$hash-of-{name}"),
        team: UserId::generate(later(1), &ENTROPY),
    }
}

pub fn session(person: &Person) -> Session {
    Session {
        id: SessionId::generate(at(), &ENTROPY),
        person: person.id,
        created_at: at(),
        last_seen_at: at(),
        expires_at: at().checked_add(Session::LIFETIME).unwrap(),
        network: "192.0.2.1".to_owned(),
        user_agent: "Lynx".to_owned(),
        factor_at: None,
    }
}

/// The first owner, by the set-up link with a token of that hash.
pub async fn owner(store: &Store, name: &str) -> Person {
    store.insert_link(&link(LinkFor::Setup), &[1; 32]).await.unwrap();
    store.join(&[1; 32], &newcomer(name), later(1)).await.unwrap()
}

async fn invite(store: &Store, purpose: LinkFor, name: &str) -> Person {
    store.insert_link(&link(purpose), &[2; 32]).await.unwrap();
    store.join(&[2; 32], &newcomer(name), later(1)).await.unwrap()
}

/// Something in every table of people.
pub async fn fill(store: &Store, team: UserId) {
    let owner = owner(store, "ada").await;
    let session = session(&owner);
    store.begin_session(&session, &[9; 32], None).await.unwrap();
    store.begin_oauth(&crate::oauth_attempts::attempt(session.id, team, None), &[7; 32]).await.unwrap();
    let invitation = LinkFor::Join { team, role: Role::Viewer };
    store.insert_link(&link(invitation), &[8; 32]).await.unwrap();
}

async fn the_set_up_link_makes_the_first_owner_once(database: Database) {
    let store = database.open().await;
    let team = store.ensure_owner(at(), &ENTROPY).await.unwrap();
    store.insert_link(&link(LinkFor::Setup), &[1; 32]).await.unwrap();
    // A new one takes the place of the one before.
    store.insert_link(&link(LinkFor::Setup), &[2; 32]).await.unwrap();
    assert_eq!(store.link(&[1; 32], at()).await.unwrap(), None);
    assert_eq!(store.link(&[2; 32], later(3_600_000_000)).await.unwrap(), None);
    let person = store.join(&[2; 32], &newcomer("ada"), later(1)).await.unwrap();
    assert_eq!((person.team, person.role), (team, Role::Owner));
    let (read, password) = store.person_named("ada").await.unwrap().unwrap();
    assert_eq!((read, password.as_str()), (person, "$hash-of-ada"));
    let again = store.join(&[2; 32], &newcomer("eve"), later(2)).await;
    assert!(matches!(again, Err(StoreError::LinkGone)));
    let another = store.insert_link(&link(LinkFor::Setup), &[3; 32]).await;
    assert!(matches!(another, Err(StoreError::LinkGone)));
    store.verify_audit().await.unwrap();
}

async fn an_invitation_works_once_and_until_it_is_withdrawn(database: Database) {
    let store = database.open().await;
    let team = store.ensure_owner(at(), &ENTROPY).await.unwrap();
    owner(&store, "ada").await;
    let purpose = LinkFor::Join { team, role: Role::Operator };
    let one = link(purpose.clone());
    store.insert_link(&one, &[4; 32]).await.unwrap();
    assert_eq!(store.invitations(team, at()).await.unwrap(), std::slice::from_ref(&one));
    assert_eq!(store.link(&[4; 32], at()).await.unwrap(), Some(one.clone()));
    let taken = store.join(&[4; 32], &newcomer("ada"), later(1)).await;
    assert!(matches!(taken, Err(StoreError::NameTaken { .. })));
    let reset = store.reset_password(&[4; 32], "$other", later(1)).await;
    assert!(matches!(reset, Err(StoreError::LinkGone)));
    let person = store.join(&[4; 32], &newcomer("grace"), later(1)).await.unwrap();
    assert_eq!((person.team, person.role), (team, Role::Operator));
    assert!(matches!(store.join(&[4; 32], &newcomer("eve"), later(1)).await, Err(StoreError::LinkGone)));

    let two = link(purpose);
    store.insert_link(&two, &[5; 32]).await.unwrap();
    let stranger = UserId::generate(at(), &ENTROPY);
    let foreign = store.withdraw_invitation(stranger, two.id, &PERSON, later(2)).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })));
    store.withdraw_invitation(team, two.id, &PERSON, later(2)).await.unwrap();
    assert!(matches!(store.join(&[5; 32], &newcomer("eve"), later(2)).await, Err(StoreError::LinkGone)));
    assert_eq!(store.persons(team).await.unwrap().len(), 2);
}

async fn a_team_that_is_founded_is_of_its_own(database: Database) {
    let store = database.open().await;
    let first = store.ensure_owner(at(), &ENTROPY).await.unwrap();
    owner(&store, "ada").await;
    let purpose = LinkFor::Found { invited_by: first, name: "guests".to_owned() };
    let person = invite(&store, purpose, "grace").await;
    assert_ne!(person.team, first);
    assert_eq!(person.role, Role::Owner);
    assert_eq!(store.team(person.team).await.unwrap().unwrap().name, "guests");
    // It does not become the team that runs this Paddock.
    assert_eq!(store.ensure_owner(later(9), &ENTROPY).await.unwrap(), first);
    assert_eq!(store.teams().await.unwrap().len(), 2);
    let foreign = store.set_role(first, person.id, Role::Viewer, &PERSON, later(2)).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })));
    let foreign = store.remove_person(first, person.id, &PERSON, later(2)).await;
    assert!(matches!(foreign, Err(StoreError::NotFound { .. })));
}

async fn the_last_owner_stays(database: Database) {
    let store = database.open().await;
    let team = store.ensure_owner(at(), &ENTROPY).await.unwrap();
    let ada = owner(&store, "ada").await;
    let grace = invite(&store, LinkFor::Join { team, role: Role::Viewer }, "grace").await;
    let demoted = store.set_role(team, ada.id, Role::Operator, &PERSON, later(2)).await;
    assert!(matches!(demoted, Err(StoreError::LastOwner)));
    let removed = store.remove_person(team, ada.id, &PERSON, later(2)).await;
    assert!(matches!(removed, Err(StoreError::LastOwner)));
    store.set_role(team, grace.id, Role::Owner, &PERSON, later(2)).await.unwrap();
    store.begin_session(&session(&ada), &[7; 32], None).await.unwrap();
    store.remove_person(team, ada.id, &PERSON, later(3)).await.unwrap();
    assert_eq!(store.session(&[7; 32], at()).await.unwrap(), None);
    assert_eq!(store.person_named("ada").await.unwrap(), None);
    // The name is free again; who had it before stays who they were.
    let other = invite(&store, LinkFor::Join { team, role: Role::Viewer }, "ada").await;
    assert_ne!(other.id, ada.id);
    store.verify_audit().await.unwrap();
}

async fn sessions_end(database: Database) {
    let store = database.open().await;
    store.ensure_owner(at(), &ENTROPY).await.unwrap();
    let ada = owner(&store, "ada").await;
    let (one, two) = (session(&ada), session(&ada));
    store.begin_session(&one, &[11; 32], None).await.unwrap();
    assert_eq!(store.session(&[11; 32], at()).await.unwrap(), Some((one.clone(), ada.clone())));
    // Signing in again in the same browser ends what was there.
    store.begin_session(&two, &[12; 32], Some(&[11; 32])).await.unwrap();
    assert_eq!(store.session(&[11; 32], at()).await.unwrap(), None);
    // Unused for too long, or simply too old.
    let idle = at().checked_add(Session::IDLE).unwrap();
    assert_eq!(store.session(&[12; 32], idle).await.unwrap(), None);
    let in_time = idle.checked_sub(SignedDuration::from_secs(1)).unwrap();
    store.touch_session(two.id, "192.0.2.2", in_time).await.unwrap();
    let (read, _) = store.session(&[12; 32], idle).await.unwrap().unwrap();
    assert_eq!((read.network.as_str(), read.last_seen_at), ("192.0.2.2", in_time));
    store.touch_session(two.id, "192.0.2.2", two.expires_at).await.unwrap();
    assert_eq!(store.session(&[12; 32], two.expires_at).await.unwrap(), None);

    let three = session(&ada);
    store.begin_session(&three, &[13; 32], None).await.unwrap();
    store.set_session_factor(three.id, later(5)).await.unwrap();
    let sessions = store.sessions(ada.id, later(5)).await.unwrap();
    let proven = sessions.iter().find(|session| session.id == three.id).unwrap();
    assert_eq!(proven.factor_at, Some(later(5)));
    let stranger = PersonId::generate(at(), &ENTROPY);
    assert!(store.end_session(stranger, three.id, &PERSON, later(6)).await.is_err());
    store.end_session(ada.id, three.id, &PERSON, later(6)).await.unwrap();
    assert_eq!(store.session(&[13; 32], later(6)).await.unwrap(), None);
    let four = session(&ada);
    store.begin_session(&four, &[14; 32], None).await.unwrap();
    assert_eq!(store.end_sessions(ada.id, Some(four.id), &PERSON, later(7)).await.unwrap(), 1);
    assert_eq!(store.sessions(ada.id, later(7)).await.unwrap(), [four]);
}

async fn another_password_ends_sessions_links_and_tokens(database: Database) {
    let store = database.open().await;
    store.ensure_owner(at(), &ENTROPY).await.unwrap();
    let ada = owner(&store, "ada").await;
    let (here, there) = (session(&ada), session(&ada));
    store.begin_session(&here, &[21; 32], None).await.unwrap();
    store.begin_session(&there, &[22; 32], None).await.unwrap();
    store.insert_link(&link(LinkFor::Reset(ada.id)), &[23; 32]).await.unwrap();
    let expired = ApiToken { expires_at: later(1), ..token(ada.id, "expired", 1) };
    for made in [&expired, &token(ada.id, "one", 2), &token(ada.id, "two", 3)] {
        store.insert_token(made, ada.team, &PERSON, at()).await.unwrap();
    }
    let grace = invite(&store, LinkFor::Join { team: ada.team, role: Role::Viewer }, "grace").await;
    store.insert_token(&token(grace.id, "hers", 4), grace.team, &PERSON, at()).await.unwrap();
    let kept = store.set_password(ada.id, "$new", Some(here.id), false, &PERSON, later(1)).await.unwrap();
    assert_eq!((kept, store.tokens(ada.team).await.unwrap().len()), (0, 4));
    assert_eq!(store.sessions(ada.id, later(1)).await.unwrap(), [here]);
    assert_eq!(store.link(&[23; 32], later(1)).await.unwrap(), None);

    let revoked = store.set_password(ada.id, "$new", None, true, &PERSON, later(1)).await.unwrap();
    assert_eq!(
        (revoked, names_of_tokens(&store, ada.team).await),
        (2, vec!["expired".to_owned(), "hers".to_owned()])
    );
    assert_eq!(store.token_by_hash(&[2; 32]).await.unwrap(), None);
    store.insert_token(&token(ada.id, "three", 5), ada.team, &PERSON, later(1)).await.unwrap();
    store.insert_link(&link(LinkFor::Reset(ada.id)), &[24; 32]).await.unwrap();
    let person = store.reset_password(&[24; 32], "$newer", later(2)).await.unwrap();
    assert_eq!(store.person(person.id).await.unwrap().unwrap().1, "$newer");
    assert_eq!(store.sessions(ada.id, later(2)).await.unwrap(), []);
    assert!(matches!(store.reset_password(&[24; 32], "$x", later(3)).await, Err(StoreError::LinkGone)));
    assert_eq!(names_of_tokens(&store, ada.team).await, ["expired", "hers"]);
    let query = AuditQuery { after: Some(0), ..AuditQuery::default() };
    let records = store.audit_page(&query).await.unwrap();
    let revoked =
        records.iter().filter(|record| matches!(record.event(), Ok(AuditEvent::TokenRevoked { .. })));
    assert_eq!(revoked.count(), 3);
    store.verify_audit().await.unwrap();
}

async fn names_of_tokens(store: &Store, team: UserId) -> Vec<String> {
    store.tokens(team).await.unwrap().into_iter().map(|token| token.name).collect()
}

async fn a_demos_owner_has_a_link_that_signs_them_in(database: Database) {
    let store = database.open().await;
    store.ensure_owner(at(), &ENTROPY).await.unwrap();
    let ada = owner(&store, "ada").await;
    store.insert_link(&link(LinkFor::Reset(ada.id)), &[23; 32]).await.unwrap();
    assert!(!store.has_demo_link(ada.id, at()).await.unwrap());
    let demo = link(LinkFor::Demo(ada.id));
    store.insert_link(&demo, &[24; 32]).await.unwrap();
    assert!(store.has_demo_link(ada.id, at()).await.unwrap());
    assert!(!store.has_demo_link(PersonId::generate(at(), &ENTROPY), at()).await.unwrap());
    assert!(!store.has_demo_link(ada.id, demo.expires_at).await.unwrap());
}

async fn a_team_sees_its_own_records(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    owner(&store, "ada").await;
    let purpose = LinkFor::Found { invited_by: it.user, name: "guests".to_owned() };
    let grace = invite(&store, purpose, "grace").await;
    let theirs = dek(grace.team);
    store.insert_dek(&theirs).await.unwrap();
    let (second, sealed) = connection(grace.team, theirs.id, "main", "account-2");
    let who = Actor::Person { id: grace.id, name: grace.name.clone() };
    let second = store.add_connection(&second, &sealed, &who, later(2)).await.unwrap();
    let key = access_key(second.id, "bot", trader());
    store.insert_key(&key, &who, later(2)).await.unwrap();
    // Both teams may use the same names.
    assert_eq!(store.keys(grace.team).await.unwrap(), std::slice::from_ref(&key));
    assert_eq!(store.key_named(it.user, "bot").await.unwrap().unwrap().id, it.key.id);
    reserve(&store, &key, "1.10").await;
    reserve(&store, &it.key, "2.20").await;
    store.set_key_frozen(key.id, true, &Actor::System, later(3)).await.unwrap();
    store.begin_session(&session(&grace), &[31; 32], None).await.unwrap();
    store.append_audit(&Actor::System, &AuditEvent::BackupWritten { records: 1 }, later(4)).await.unwrap();
    let names = async |team| {
        let query = AuditQuery { after: Some(0), team, limit: 1000, ..AuditQuery::default() };
        let page = store.audit_page(&query).await.unwrap();
        page.iter().map(|record| record.event().unwrap().name()).collect::<Vec<_>>()
    };
    let theirs = [
        "team_founded",
        "person_added",
        "connection_added",
        "key_created",
        "request_permitted",
        "frozen",
        "signed_in",
    ];
    assert_eq!(names(Some(grace.team)).await, theirs);
    let first = names(Some(it.user)).await;
    let all = names(None).await;
    assert_eq!(first.len() + theirs.len(), all.len());
    assert!(first.contains(&"backup_written") && first.contains(&"person_invited"), "{first:?}");
    let newest = AuditQuery { team: Some(grace.team), limit: 1, ..AuditQuery::default() };
    assert_eq!(store.audit_page(&newest).await.unwrap()[0].event().unwrap().name(), "signed_in");
    store.verify_audit().await.unwrap();
}

async fn an_account_has_one_place(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    owner(&store, "ada").await;
    let purpose = LinkFor::Found { invited_by: it.user, name: "guests".to_owned() };
    let grace = invite(&store, purpose, "grace").await;
    let theirs = dek(grace.team);
    store.insert_dek(&theirs).await.unwrap();
    let (second, sealed) = connection(grace.team, theirs.id, "mine", "account-1");
    let refused = store.add_connection(&second, &sealed, &PERSON, later(2)).await.unwrap_err();
    assert!(matches!(refused, StoreError::ConnectedElsewhere));
    assert!(!refused.to_string().contains("main"), "{refused}");
}
