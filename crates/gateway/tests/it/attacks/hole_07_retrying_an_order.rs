//! What changes something at the broker is sent once, whatever becomes of the answer.

use http::Response;
use http_body_util::Full;
use rstest::rstest;

use super::{ORDER, ask};
use crate::broker::{Got, Reply, json, well_behaved};
use crate::rig::{Rig, trader};
use crate::ways::Way;

fn hang_up() -> Reply {
    Reply::HangUp
}

fn failure(status: u16) -> Reply {
    json(status, &serde_json::json!({"message": "try again"}))
}

fn retry_after() -> Reply {
    let response = Response::builder().status(503).header("retry-after", "0");
    Reply::Answer(response.body(Full::default()).unwrap())
}

fn nonsense() -> Reply {
    Reply::Answer(Response::builder().status(200).body(Full::from("<html>")).unwrap())
}

#[rstest]
#[case::hang_up(hang_up)]
#[case::error(|| failure(500))]
#[case::bad_gateway(|| failure(502))]
#[case::unavailable(|| failure(503))]
#[case::gateway_timeout(|| failure(504))]
#[case::request_timeout(|| failure(408))]
#[case::too_early(|| failure(425))]
#[case::retry_after(retry_after)]
#[case::nonsense(nonsense)]
#[case::redirect(|| Reply::Answer(Response::builder().status(307).header("location", "/v2/orders").body(Full::default()).unwrap()))]
#[tokio::test]
async fn nothing_is_sent_twice(#[case] reply: fn() -> Reply) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(move |got: &Got| if got.method == "GET" { well_behaved(got) } else { reply() });
    let mut sent = 0;
    for way in Way::ALL {
        for (line, body) in [
            ("POST /v2/orders", ORDER),
            ("PATCH /v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", r#"{"qty":"2"}"#),
            ("DELETE /v2/orders/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee", ""),
            ("DELETE /v2/positions/AAPL", ""),
        ] {
            ask(&rig, way, line, &pair, body).await;
            sent += 1;
            assert_eq!(rig.broker.changes().len(), sent, "{way:?} {line}");
        }
    }
    // Nor later, when what became of them is asked.
    rig.clock.advance(std::time::Duration::from_secs(120));
    rig.control.recover().await.unwrap();
    assert_eq!(rig.broker.changes().len(), sent);
}
