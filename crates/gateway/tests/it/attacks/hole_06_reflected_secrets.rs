//! A broker, or what stands before it, that gives back what it was sent. (Sockets have a module of their own.)

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::Response;
use http_body_util::Full;
use rstest::rstest;

use super::{ORDER, ask, reason};
use crate::broker::{Reply, json, well_behaved};
use crate::rig::{REAL_ID, REAL_SECRET, Rig, trader};
use crate::ways::Way;

/// Node's zlib.brotliCompressSync of {"you sent":"THE SECRET","as you know":"the end"}.
const BROTLI: &str = "1b5200309d07b62da7bc320f9b72583e62844a879a1cf9893cff120a7fcde356b33849cd299dbe7493ab830d38600f30c175b301fd62dacb05b1c13cb777f20026d29575ad2520570017985b09";

/// The secret in every form in which programs write text.
fn forms() -> Vec<String> {
    let each = |write: fn(u8) -> String| REAL_SECRET.bytes().map(write).collect::<String>();
    let mut forms = vec![
        REAL_SECRET.to_owned(),
        REAL_ID.to_owned(),
        hex::encode(REAL_SECRET),
        hex::encode_upper(REAL_SECRET),
        each(|byte| format!("%{byte:02X}")),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("%25{byte:02x}")),
        each(|byte| format!("\\u{byte:04x}")),
        each(|byte| format!("\\u{byte:04X}")),
        each(|byte| format!("\\\\u{byte:04x}")),
        each(|byte| if byte % 2 == 0 { format!("\\u{byte:04x}") } else { char::from(byte).to_string() }),
        STANDARD.encode(format!("{REAL_ID}:{REAL_SECRET}")),
    ];
    for before in ["", "x", "xy"] {
        forms.push(STANDARD.encode(format!("{before}{REAL_SECRET}")));
        forms.push(URL_SAFE_NO_PAD.encode(format!("{before}{REAL_SECRET} and more")));
    }
    forms
}

/// Nothing of a form is in an answer, but for the letters at its ends that base64 shares with what is around.
fn is_hidden(form: &str, answer: &str) -> bool {
    !answer.contains(&form[8..form.len() - 12])
}

fn encoded(coding: &str, plain: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
            gzip.write_all(plain).unwrap();
            gzip.finish().unwrap()
        }
        "deflate" => {
            let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
            zlib.write_all(plain).unwrap();
            zlib.finish().unwrap()
        }
        "zstd" => zstd::encode_all(plain, 1).unwrap(),
        "gzip, zstd" => encoded("zstd", &encoded("gzip", plain)),
        _ => plain.to_vec(),
    }
}

fn head(coding: &str, kind: &str) -> http::response::Builder {
    let head = Response::builder().status(200).header("content-type", kind);
    if coding.is_empty() { head } else { head.header("content-encoding", coding) }
}

/// Small answers are read whole and large ones streamed; both may come in pieces of any size.
#[rstest]
#[tokio::test]
async fn in_a_body(
    #[values("", "identity", "gzip", "deflate", "zstd", "gzip, zstd")] coding: &'static str,
    #[values(0, 40_000)] padding: usize,
    #[values(0, 7)] step: usize,
) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let all = forms().join("\", \"");
    let body =
        format!("{{\"you sent\":[\"{all}\"],\"and\":\"{}\",\"last\":\"the end\"}}", "- ".repeat(padding / 2));
    let bytes = Bytes::from(encoded(coding, body.as_bytes()));
    rig.broker.script(move |got| {
        if got.method == "GET" && got.target != "/v2/account" {
            return well_behaved(got);
        }
        let head = head(coding, "application/json");
        match step {
            0 => Reply::Answer(head.body(Full::new(bytes.clone())).unwrap()),
            _ => Reply::Pieces(
                head.body(()).unwrap(),
                bytes.chunks(step.max(bytes.len() / 300)).map(Bytes::copy_from_slice).collect(),
            ),
        }
    });
    for way in Way::ALL {
        for (line, sent) in
            [("GET /v2/account", ""), ("POST /v2/watchlists", "{\"name\":\"a\"}"), ("POST /v2/orders", ORDER)]
        {
            let (status, answer) = ask(&rig, way, line, &pair, sent).await;
            assert_eq!(status, 200, "{way:?} {line}: {answer}");
            assert!(!answer.to_ascii_lowercase().contains("content-encoding: g"), "it is passed on plain");
            let answer = unchunked(&answer);
            for form in forms() {
                assert!(is_hidden(&form, &answer), "{way:?} {line}: {form} is in {answer}");
            }
            assert!(
                answer.contains("{\"you sent\":[\"") && answer.contains("\"last\":\"the end\"}"),
                "{answer}"
            );
        }
    }
}

/// An answer without the marks of its chunks, which may lie in the middle of a word.
fn unchunked(answer: &str) -> String {
    let (head, mut rest) = answer.split_once("\r\n\r\n").unwrap();
    if !head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return answer.to_owned();
    }
    let mut whole = format!("{head}\r\n\r\n");
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(&after[..size]);
        rest = &after[(size + 2).min(after.len())..];
    }
    whole
}

#[tokio::test]
async fn in_brotli() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|_| {
        let body = hex::decode(BROTLI).unwrap();
        Reply::Answer(head("br", "application/json").body(Full::new(Bytes::from(body))).unwrap())
    });
    for way in Way::ALL {
        let (status, answer) = ask(&rig, way, "GET /v2/account", &pair, "").await;
        let expected =
            format!("{{\"you sent\":\"{}\",\"as you know\":\"the end\"}}", "*".repeat(REAL_SECRET.len()));
        assert!(status == 200 && answer.ends_with(&expected), "{way:?}: {answer}");
    }
}

#[rstest]
#[case::unknown("compress", b"\x1f\x9d".to_vec())]
#[case::dictionary("dcz", b"{}".to_vec())]
#[case::too_many("gzip, gzip, gzip, gzip, gzip", b"{}".to_vec())]
#[case::not_gzip("gzip", b"{\"id\":1}".to_vec())]
#[case::cut_off("gzip", encoded("gzip", b"{\"id\":1}")[..20].to_vec())]
#[case::and_more("deflate", [encoded("deflate", b"{}"), b"{}".to_vec()].concat())]
#[case::not_zstd("zstd", vec![0; 40_000])]
#[case::not_brotli("br", b"\xff\xff\xff\xff{\"id\":1}".to_vec())]
#[tokio::test]
async fn what_cannot_be_read_is_withheld(#[case] coding: &'static str, #[case] body: Vec<u8>) {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    let body = Bytes::from(body);
    rig.broker.script(move |_| {
        Reply::Answer(head(coding, "application/json").body(Full::new(body.clone())).unwrap())
    });
    for way in Way::ALL {
        let (status, answer) = ask(&rig, way, "GET /v2/account", &pair, "").await;
        assert_eq!((status, reason(&answer).as_str()), (502, "upstream_unsafe"), "{way:?}: {answer}");
    }
    assert!(rig.broker.got().iter().all(|got| got.headers["accept-encoding"] == "identity"));
}

#[tokio::test]
async fn in_headers_and_the_reason_and_trailers() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|_| {
        let mut response = Response::builder()
            .status(400)
            .header("x-harmless", "1")
            .header("location", format!("/?key={REAL_SECRET}"))
            .header("set-cookie", format!("key={}", STANDARD.encode(REAL_SECRET)))
            .header(format!("x-{}", REAL_SECRET.to_ascii_lowercase()), "1")
            .header("trailer", "x-late");
        for (number, form) in forms().into_iter().enumerate() {
            response = response.header(format!("x-echo-{number}"), form);
        }
        let reason = hyper::ext::ReasonPhrase::try_from(REAL_SECRET.as_bytes().to_vec()).unwrap();
        let mut response = response.body(Full::new(Bytes::from_static(b"{}"))).unwrap();
        response.extensions_mut().insert(reason);
        Reply::Answer(response)
    });
    for way in Way::ALL {
        for (line, body) in [("GET /v2/account", ""), ("POST /v2/watchlists", "{\"name\":\"a\"}")] {
            let (status, answer) = ask(&rig, way, line, &pair, body).await;
            assert_eq!(status, 400, "{way:?}: {answer}");
            for form in forms() {
                assert!(is_hidden(&form, &answer), "{way:?}: {form} is in {answer}");
            }
            let lower = answer.to_ascii_lowercase();
            assert!(
                !lower.contains(&REAL_SECRET.to_ascii_lowercase()) && !lower.contains("set-cookie"),
                "{answer}"
            );
            assert!(lower.contains("x-harmless: 1"), "{answer}");
        }
    }
}

/// Events pass one by one, as they come; what is cut in the middle of the secret waits for its other half.
#[tokio::test]
async fn in_server_sent_events() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|_| {
        let events =
            format!("data: {{\"id\":1}}\n\ndata: {{\"key\":\"{REAL_SECRET}\"}}\n\ndata: the end\n\n");
        let pieces = events.as_bytes().chunks(11).map(Bytes::copy_from_slice).collect();
        Reply::Pieces(head("", "text/event-stream").body(()).unwrap(), pieces)
    });
    for way in Way::ALL {
        let (status, answer) = ask(&rig, way, "GET /v2/account", &pair, "").await;
        let answer = unchunked(&answer);
        assert!(status == 200 && !answer.contains(REAL_SECRET), "{way:?}: {answer}");
        let masked = "*".repeat(REAL_SECRET.len());
        let expected = format!("data: {{\"id\":1}}\n\ndata: {{\"key\":\"{masked}\"}}\n\ndata: the end\n\n");
        assert!(answer.ends_with(&expected), "{answer}");
    }
}

/// What the broker says when it is asked for facts is passed on in its own words, and so is an order that was looked up.
#[tokio::test]
async fn in_what_the_gateway_asked_for_itself() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|got| match got.method.as_str() {
        "GET" if got.target.starts_with("/v2/orders:by_client_order_id") => {
            let mut order = crate::broker::order("1", "100");
            order["client_order_id"] = REAL_SECRET.into();
            json(200, &order)
        }
        "GET" => json(
            422,
            &serde_json::json!({"code": 42_210_000, "message": format!("no position for {REAL_SECRET}")}),
        ),
        _ => Reply::HangUp,
    });
    for way in Way::ALL {
        let (status, answer) = ask(&rig, way, "DELETE /v2/positions/AAPL", &pair, "").await;
        assert_eq!((status, reason(&answer).as_str()), (502, "upstream_unsafe"), "{way:?}: {answer}");
        let (status, answer) = ask(&rig, way, "POST /v2/orders", &pair, ORDER).await;
        assert!(status == 200 && !answer.contains(REAL_SECRET), "{way:?}: {answer}");
    }
    let log = serde_json::to_string(&rig.control.recent_of(rig.user, 100)).unwrap();
    assert!(!log.contains(REAL_SECRET), "{log}");
}

#[tokio::test]
async fn the_brokers_401_is_not_taken_for_the_programs_own() {
    let rig = Rig::start().await;
    let pair = rig.key(trader()).await;
    rig.broker.script(|_| json(401, &serde_json::json!({"message": "unauthorized."})));
    for way in Way::ALL {
        let (status, answer) = ask(&rig, way, "GET /v2/account", &pair, "").await;
        assert_eq!((status, reason(&answer).as_str()), (503, "connection_credential_refused"));
    }
}
