//! Attempts to connect an account by OAuth.

use paddock_core::Environment;
use paddock_core::id::{ConnectionId, OauthAttemptId, SessionId, UserId};
use paddock_store::{Attestation, OauthAttempt, Store, UnfitAttempt};

use crate::support::*;

on_both!(
    an_attempt_is_ended_once_by_the_session_that_began_it,
    an_attempt_that_took_too_long_is_told_from_one_that_never_was,
    what_went_wrong_is_kept_for_its_session,
    a_session_has_few_attempts_open_and_takes_them_with_it,
);

const MINUTE: i64 = 60_000_000;

pub fn attempt(session: SessionId, user: UserId, connection: Option<ConnectionId>) -> OauthAttempt {
    OauthAttempt {
        id: OauthAttemptId::generate(at(), &ENTROPY),
        session,
        user,
        environment: Environment::Live,
        connection,
        name: "real".to_owned(),
        attestation: connection.is_none().then(|| Attestation {
            text: "I state\n".to_owned(),
            text_sha256: "ab".repeat(32),
            signed_name: "Ada Lovelace".to_owned(),
        }),
        created_at: at(),
        problem: None,
    }
}

async fn sessions(store: &Store) -> (UserId, SessionId, SessionId) {
    let user = store.ensure_owner(at(), &ENTROPY).await.unwrap();
    let owner = crate::people::owner(store, "ada").await;
    let mut of_owner = crate::people::session(&owner);
    store.begin_session(&of_owner, &[9; 32], None).await.unwrap();
    let first = of_owner.id;
    of_owner.id = SessionId::generate(at(), &ENTROPY);
    store.begin_session(&of_owner, &[8; 32], None).await.unwrap();
    (user, first, of_owner.id)
}

async fn an_attempt_is_ended_once_by_the_session_that_began_it(database: Database) {
    let store = database.open().await;
    let (user, session, other) = sessions(&store).await;
    let begun = attempt(session, user, None);
    store.begin_oauth(&begun, &[1; 32]).await.unwrap();
    for (session, hash) in [(other, [1; 32]), (session, [2; 32])] {
        let refused = store.end_oauth(session, &hash, later(1)).await;
        assert!(matches!(refused, Err(UnfitAttempt::Unknown)), "{refused:?}");
    }
    // Whoever tried and may not has taken nothing away.
    assert_eq!(store.end_oauth(session, &[1; 32], later(2)).await.unwrap(), begun);
    let again = store.end_oauth(session, &[1; 32], later(3)).await;
    assert!(matches!(again, Err(UnfitAttempt::Used(used)) if used.id == begun.id));
}

async fn an_attempt_that_took_too_long_is_told_from_one_that_never_was(database: Database) {
    let store = database.open().await;
    let (user, session, _) = sessions(&store).await;
    for (hash, after, good) in [(1, 10 * MINUTE - 1, true), (2, 10 * MINUTE, false)] {
        store.begin_oauth(&attempt(session, user, None), &[hash; 32]).await.unwrap();
        let ended = store.end_oauth(session, &[hash; 32], later(after)).await;
        assert_eq!(ended.is_ok(), good, "{ended:?}");
        assert!(good || matches!(ended, Err(UnfitAttempt::Expired(_))), "{ended:?}");
    }
    let again = store.end_oauth(session, &[2; 32], later(11 * MINUTE)).await;
    assert!(matches!(again, Err(UnfitAttempt::Used(_))), "late once is late for good");
}

async fn what_went_wrong_is_kept_for_its_session(database: Database) {
    let store = database.open().await;
    let (user, session, other) = sessions(&store).await;
    let begun = attempt(session, user, None);
    store.begin_oauth(&begun, &[1; 32]).await.unwrap();
    store.note_oauth_problem(begun.id, "{\"code\":\"oauth_denied\"}").await.unwrap();
    let kept = store.oauth_attempt(session, begun.id).await.unwrap().unwrap();
    assert_eq!(kept.problem.as_deref(), Some("{\"code\":\"oauth_denied\"}"));
    assert_eq!(store.oauth_attempt(other, begun.id).await.unwrap(), None);
}

async fn a_session_has_few_attempts_open_and_takes_them_with_it(database: Database) {
    let store = database.open().await;
    let (user, session, other) = sessions(&store).await;
    for hash in 1..=7 {
        let mut begun = attempt(session, user, None);
        begun.created_at = later(hash.into());
        store.begin_oauth(&begun, &[hash; 32]).await.unwrap();
    }
    store.begin_oauth(&attempt(other, user, None), &[99; 32]).await.unwrap();
    let count = async || database.texts("SELECT id FROM oauth_attempts").await.len();
    assert_eq!(count().await, 6, "five of one session and one of another");
    assert!(matches!(store.end_oauth(session, &[2; 32], later(9)).await, Err(UnfitAttempt::Unknown)));
    store.end_oauth(session, &[3; 32], later(9)).await.unwrap();
    let person = store.session(&[9; 32], later(9)).await.unwrap().unwrap().1;
    store.end_session(person.id, session, &PERSON, later(9)).await.unwrap();
    assert_eq!(count().await, 1);
    // What is long over is forgotten with the next one.
    let mut much_later = attempt(other, user, None);
    much_later.created_at = later(30 * MINUTE);
    store.begin_oauth(&much_later, &[50; 32]).await.unwrap();
    assert_eq!(count().await, 1);
}
