//! The audit chain over the API: exported, verified elsewhere, signed, and shortened.

use paddock_core::audit_file::{FileFault, FileProblem, FileVerifier, VerifiedFile};
use paddock_core::checkpoint::PublicKey;
use serde_json::json;

use crate::harness::Paddock;

fn verify(file: &str, trusted: Option<PublicKey>) -> Result<VerifiedFile, FileFault> {
    let mut verifier = FileVerifier::new(trusted, paddock_vault::verify_signature);
    file.split_inclusive('\n').try_for_each(|line| verifier.line(line.as_bytes()))?;
    verifier.finish()
}

async fn export(paddock: &Paddock, query: &str) -> String {
    let reply = paddock.get(&format!("/api/v1/audit/export{query}")).await;
    assert_eq!(reply.expect(200).headers["content-type"], "application/x-ndjson");
    reply.text().to_owned()
}

async fn public_key(paddock: &Paddock) -> PublicKey {
    paddock.get("/api/v1/audit/key").await.json["public_key"].as_str().unwrap().parse().unwrap()
}

async fn freeze(paddock: &Paddock, times: usize) {
    for _ in 0..times {
        paddock.post("/api/v1/freeze", &json!({})).await.expect(200);
        paddock.post("/api/v1/unfreeze", &json!({})).await.expect(200);
    }
}

#[tokio::test]
async fn an_export_verifies_elsewhere() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    freeze(&paddock, 1).await;
    let key = public_key(&paddock).await;
    let file = export(&paddock, "").await;
    let found = verify(&file, Some(key)).unwrap();
    assert_eq!((found.after.seq, found.key, found.start_is_signed), (0, key, true));
    let verified = paddock.get("/api/v1/audit/verify").await.json;
    assert_eq!(verified["valid"], true);
    assert_eq!((&verified["records"], &verified["signed"]), (&json!(found.records), &json!(found.records)));
    assert_eq!(verified["head"], found.last.hash.to_string());
}

#[tokio::test]
async fn whatever_is_done_to_an_export_shows_with_its_line() {
    let paddock = Paddock::start().await;
    freeze(&paddock, 3).await;
    paddock.state.control.sign_audit().await.unwrap();
    freeze(&paddock, 2).await;
    let file = export(&paddock, "").await;
    verify(&file, None).unwrap();
    let lines: Vec<&str> = file.split_inclusive('\n').collect();
    let count = lines.len() as u64;
    for place in 0..lines.len() {
        // Every kind of character of the line, changed: digits of hashes and numbers, letters of texts.
        for at in (0..lines[place].len()).step_by(7) {
            let mut bytes = file.clone().into_bytes();
            let offset: usize = lines[..place].iter().map(|line| line.len()).sum();
            bytes[offset + at] = if bytes[offset + at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(bytes).unwrap();
            let fault = verify(&changed, None).unwrap_err();
            // A key that was changed shows where it is first used.
            assert!(fault.line > place as u64, "line {}: {fault}", place + 1);
        }
        let mut missing = lines.clone();
        missing.remove(place);
        let fault = verify(&missing.concat(), None).unwrap_err();
        assert!(fault.line >= place as u64, "without line {}: {fault}", place + 1);
        if place > 0 {
            let mut swapped = lines.clone();
            swapped.swap(place - 1, place);
            verify(&swapped.concat(), None).unwrap_err();
        }
        let cut = verify(&lines[..place].concat(), None).unwrap_err();
        assert_eq!(cut, FileFault { line: place as u64, problem: FileProblem::Cut });
    }
    let doubled = verify(&format!("{file}{}", lines[2]), None).unwrap_err();
    assert_eq!(doubled, FileFault { line: count + 1, problem: FileProblem::AfterEnd });
    let without_line_feed = verify(file.trim_end(), None).unwrap_err();
    assert_eq!(without_line_feed.problem, FileProblem::Cut);
}

#[tokio::test]
async fn a_part_begins_and_ends_with_a_signature() {
    let paddock = Paddock::start().await;
    freeze(&paddock, 1).await;
    let first = paddock.state.control.sign_audit().await.unwrap().unwrap();
    freeze(&paddock, 2).await;
    // The clock stands still, so a day holds all or nothing.
    let later = verify(&export(&paddock, "?from=2026-11-24").await, None).unwrap();
    assert_eq!((later.after.seq, later.records, later.start_is_signed), (first.seq, 4, true));
    let all = verify(&export(&paddock, "?from=2026-11-23&to=2026-11-23").await, None).unwrap();
    assert_eq!((all.after.seq, all.last.seq), (0, first.seq + 4));
    let none = paddock.get("/api/v1/audit/export?from=yesterday").await;
    assert_eq!(none.expect(400).json["code"], "invalid_parameter");
}

#[tokio::test]
async fn a_new_key_is_signed_by_the_one_before() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let first = public_key(&paddock).await;
    let mut keys = vec![first];
    for _ in 0..3 {
        paddock.post("/api/v1/audit/key/rotate", &json!({})).await.expect(200);
        keys.push(public_key(&paddock).await);
        freeze(&paddock, 1).await;
    }
    keys.dedup();
    assert_eq!(keys.len(), 4);
    // The vault's keys come and go, and it goes on signing.
    for what in ["dek", "kek", "dek"] {
        paddock.post("/api/v1/vault/rotate", &json!({ "what": what })).await.expect(200);
        paddock.state.control.sign_audit().await.unwrap();
    }
    assert_eq!(paddock.get("/api/v1/audit/verify").await.json["valid"], true);
    let file = export(&paddock, "").await;
    for key in keys {
        verify(&file, Some(key)).unwrap();
    }
    let foreign = public_key(&Paddock::start().await).await;
    assert_eq!(verify(&file, Some(foreign)).unwrap_err().problem, FileProblem::NotTrusted);
}

#[tokio::test]
async fn what_is_old_is_removed_and_the_rest_verifies() {
    let paddock = Paddock::start().await;
    paddock.connect_paper().await;
    let before = export(&paddock, "").await;
    let signed = verify(&before, None).unwrap();
    freeze(&paddock, 2).await;
    let prune = |day: &str| json!({ "before": day });
    let nothing = paddock.post("/api/v1/audit/prune", &prune("2026-11-23")).await.expect(200).json.clone();
    assert_eq!(nothing, json!({ "removed": 0, "through": null }));

    let pruned = paddock.post("/api/v1/audit/prune", &prune("2026-11-24")).await.expect(200).json.clone();
    assert_eq!(pruned, json!({ "removed": signed.records, "through": signed.last.seq }));
    let again = paddock.post("/api/v1/audit/prune", &prune("2026-11-24")).await.expect(200).json.clone();
    assert_eq!(again, json!({ "removed": 0, "through": signed.last.seq }));

    let verified = paddock.get("/api/v1/audit/verify").await.json;
    assert_eq!((&verified["valid"], &verified["removed"]), (&json!(true), &json!(signed.records)));
    let rest = verify(&export(&paddock, "").await, Some(signed.key)).unwrap();
    // Both files together are the whole chain.
    assert_eq!((rest.after, rest.start_is_signed), (signed.last, true));
    let named = &paddock.get("/api/v1/audit?event=audit_pruned").await.json["items"][0];
    assert_eq!(named["event"]["through"], signed.last.seq);
    // What the removed records said of connections is still compared.
    freeze(&paddock, 1).await;
    paddock.state.control.sign_audit().await.unwrap();
    assert_eq!(paddock.get("/api/v1/audit/verify").await.json["valid"], true);
}

#[tokio::test]
async fn pages_go_both_ways() {
    let paddock = Paddock::start().await;
    freeze(&paddock, 3).await;
    let numbers = |reply: crate::harness::Reply| -> Vec<u64> {
        reply.json["items"].as_array().unwrap().iter().map(|record| record["seq"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(paddock.get("/api/v1/audit?limit=2").await), [8, 7]);
    assert_eq!(numbers(paddock.get("/api/v1/audit?limit=2&before=6").await), [5, 4]);
    assert_eq!(numbers(paddock.get("/api/v1/audit?limit=2&after=3").await), [4, 5]);
    assert_eq!(numbers(paddock.get("/api/v1/audit?event=unfrozen").await), [8, 6, 4]);
    let record = &paddock.get("/api/v1/audit?limit=1").await.json["items"][0];
    assert_eq!(record["event"], json!({ "event": "unfrozen", "what": "everything", "id": null }));
}
