//! Every question that people ask finds an index.

use jiff::Timestamp;
use paddock_core::id::{ConnectionId, UserId};
use rstest::rstest;
use uuid::Uuid;

use super::plan::{Bind, Plan};
use super::{ActivityCursor, ActivityDecision, ActivityQuery, RecordQuery, Sender};
use crate::db::TxOn;
use crate::{Store, Target};

fn all() -> ActivityQuery {
    ActivityQuery::of(UserId::from_uuid(Uuid::nil()))
}

fn records() -> RecordQuery {
    let user = UserId::from_uuid(Uuid::nil());
    RecordQuery { user, event: None, actor: None, from: None, to: None, before: None, after: None, limit: 50 }
}

/// How SQLite would go about it, one step a line.
async fn explained(plan: Plan) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(&Target::Sqlite(directory.path().join("paddock.db"))).await.unwrap();
    let mut tx = store.begin_read().await.unwrap();
    let TxOn::Sqlite(tx) = &mut tx.on else { return Vec::new() };
    let mut query = sqlx::query_as::<_, (i64, i64, i64, String)>(sqlx::AssertSqlSafe(format!(
        "EXPLAIN QUERY PLAN {}",
        plan.text
    )));
    for bind in plan.binds {
        query = match bind {
            Bind::Text(text) => query.bind(text),
            Bind::Int(number) => query.bind(number),
        };
    }
    query.fetch_all(&mut **tx).await.unwrap().into_iter().map(|(.., step)| step).collect()
}

fn cursor() -> Option<ActivityCursor> {
    Some(ActivityCursor { at: Timestamp::UNIX_EPOCH, seq: 9 })
}

#[rstest]
#[case::all(all(), "activity_at")]
#[case::next_page(ActivityQuery { before: cursor(), ..all() }, "activity_at")]
#[case::by_key(ActivityQuery { sender: Some(Sender::AccessKey), who: Some("bot".to_owned()), ..all() }, "activity_who")]
#[case::by_connection(ActivityQuery { connection: Some(ConnectionId::from_uuid(Uuid::nil())), ..all() }, "activity_connection")]
#[case::by_decision(ActivityQuery { decision: Some(ActivityDecision::Refused), ..all() }, "activity_decision")]
#[case::by_reason(ActivityQuery { reason: Some("frozen".to_owned()), ..all() }, "activity_reason")]
#[case::by_operation(ActivityQuery { operation: Some("postOrder".to_owned()), ..all() }, "activity_operation")]
#[case::by_symbol(ActivityQuery { symbol: Some("AAPL".to_owned()), before: cursor(), ..all() }, "activity_symbols")]
#[case::by_time(ActivityQuery { from: Some(Timestamp::UNIX_EPOCH), to: Some(Timestamp::MAX), ..all() }, "activity_at")]
#[tokio::test]
async fn a_page_of_requests_is_found_and_ordered_by_an_index(
    #[case] query: ActivityQuery,
    #[case] expected: &str,
) {
    let steps = explained(Plan::of_activity(&query)).await;
    assert!(steps.iter().any(|step| step.contains(expected)), "{steps:?}");
    assert!(!steps.iter().any(|step| step.starts_with("SCAN") || step.contains("TEMP B-TREE")), "{steps:?}");
}

#[tokio::test]
async fn an_order_is_found_by_any_of_its_names_by_an_index() {
    let steps = explained(Plan::of_activity(&ActivityQuery { order: Some("x".to_owned()), ..all() })).await;
    for index in ["activity_order", "activity_client_order", "sqlite_autoindex_activity_1"] {
        assert!(steps.iter().any(|step| step.contains(index)), "{index}: {steps:?}");
    }
    assert!(!steps.iter().any(|step| step.starts_with("SCAN activity")), "{steps:?}");
}

#[rstest]
#[case::all(records(), "activity_records_user")]
#[case::by_event(RecordQuery { event: Some("frozen".to_owned()), before: Some(9), ..records() }, "activity_records_event")]
#[case::by_actor(RecordQuery { actor: Some("operator".to_owned()), ..records() }, "activity_records_actor")]
#[tokio::test]
async fn a_page_of_records_is_found_and_ordered_by_an_index(
    #[case] query: RecordQuery,
    #[case] expected: &str,
) {
    let steps = explained(Plan::of_records(&query)).await;
    assert!(steps.iter().any(|step| step.contains(expected)), "{steps:?}");
    assert!(!steps.iter().any(|step| step.starts_with("SCAN") || step.contains("TEMP B-TREE")), "{steps:?}");
}

#[rstest]
#[case("1764262800000000.77", true)]
#[case("1764262800000000", false)]
#[case("x.77", false)]
#[case("1.x", false)]
fn cursors_are_read_as_they_are_written(#[case] text: &str, #[case] good: bool) {
    let read = text.parse::<ActivityCursor>();
    assert_eq!(read.is_ok(), good);
    if let Ok(cursor) = read {
        assert_eq!(cursor.to_string(), text);
    }
}
