//! What must never happen. One module for each hole that gateways of this kind have had, numbered as in docs/SECURITY.md, and one for
//! each kind of attack that has no number. Every case is tried by all three ways in, where it applies.

mod exhaustion;
mod hole_01_credential_destination_confusion;
mod hole_02_path_view_mismatch;
mod hole_03_body_ambiguity;
mod hole_04_limiter_fails_open;
mod hole_05_audit_fails_open;
mod hole_06_reflected_secrets;
mod hole_06_reflected_secrets_in_streams;
mod hole_07_retrying_an_order;
mod hole_08_replace_and_liquidate_escape;
mod hole_09_mode_confusion;
mod hole_10_unauthenticated_mux;
mod smuggling;
mod sockets;

use serde_json::Value;

use crate::rig::{Pair, Rig};
use crate::ways::Way;

const ORDER: &str = r#"{"symbol":"AAPL","qty":"1","side":"buy","type":"market","time_in_force":"day"}"#;

/// The head of a request whose connection closes after the answer.
fn head(line: &str, pair: &Pair, more: &str) -> String {
    let Pair { key_id, secret, .. } = pair;
    format!(
        "{line}\r\nAPCA-API-KEY-ID: {key_id}\r\nAPCA-API-SECRET-KEY: {secret}\r\nConnection: close\r\n{more}\r\n"
    )
}

/// A whole request by one of the ways.
fn request(way: Way, line: &str, pair: &Pair, body: &str) -> String {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    head(&format!("{line} HTTP/1.1"), pair, &format!("Host: {}\r\n{length}", way.host())) + body
}

/// What a request by one of the ways is answered: the status and the whole answer.
async fn ask(rig: &Rig, way: Way, line: &str, pair: &Pair, body: &str) -> (u16, String) {
    let answer = rig.ways.raw(way, request(way, line, pair, body).as_bytes()).await;
    (status(&answer), answer)
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// The reason that an answer of Paddock's own gives.
fn reason(answer: &str) -> String {
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    body["reason"].as_str().unwrap_or_default().to_owned()
}

/// Sends a whole request as it stands by each of the ways in and asserts that the gateway refuses it and the broker never hears of
/// it. Gives the answer of the plain way.
async fn refused(rig: &Rig, request: String) -> String {
    let mut plain = String::new();
    for way in Way::ALL {
        let request = request.replace("Host: localhost", &format!("Host: {}", way.host()));
        let answer = rig.ways.raw(way, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{way:?}: {request}\n->\n{answer}");
        assert!(
            rig.broker.got().is_empty(),
            "{way:?}: {request}\nreached the broker as {:?}",
            rig.broker.got()
        );
        if way == Way::Plain {
            plain = answer;
        }
    }
    plain
}
