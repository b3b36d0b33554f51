use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use crate::api::keys::scope_fields;

fn document() -> Value {
    serde_json::from_slice(&openapi_from_code()).unwrap()
}

/// The golden file, which others read without running anything.
#[test]
fn the_document_is_kept() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let document = openapi_from_code();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &document).unwrap();
    }
    let kept = fs::read(&path).unwrap_or_default();
    assert!(
        kept == document,
        "docs/openapi.json is not what the code says: read the head of crates/web/src/document.rs, then \
         `UPDATE_GOLDEN=1 cargo nextest run -p paddock-web document`, and look at the difference"
    );
}

#[test]
fn operations_are_told_apart_and_described() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in finish::operations(&document) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        assert!(ids.insert(id.to_owned()), "{method} {path}: another operation is named {id} too");
        for text in ["summary", "description"] {
            assert!(
                !operation[text].as_str().unwrap_or_default().is_empty(),
                "{method} {path} has no {text}"
            );
        }
        let tags = operation["tags"].as_array().unwrap();
        let known = document["tags"].as_array().unwrap().iter();
        assert!(
            known.clone().any(|tag| tags.contains(&tag["name"])),
            "{method} {path}: unknown tag {tags:?}"
        );
    }
}

/// Who may what is decided by the table of access: what it knows of the API is in the document, and the other way round.
#[test]
fn the_document_has_the_routes_of_the_table_of_access() {
    let document = document();
    let documented: BTreeSet<String> = finish::operations(&document)
        .map(|(method, path, _)| format!("{} {path}", method.to_uppercase()))
        .collect();
    let api = crate::access::TABLE.iter().filter(|line| line.path.starts_with("/api/"));
    let allowed: BTreeSet<String> = api.map(|line| format!("{} {}", line.method, line.path)).collect();
    let missing: Vec<_> = allowed.difference(&documented).collect();
    assert!(
        missing.is_empty(),
        "not in the document (see the head of crates/web/src/document.rs): {missing:?}"
    );
    let unknown: Vec<_> = documented.difference(&allowed).collect();
    assert!(unknown.is_empty(), "not in crates/web/src/access.rs: {unknown:?}");
}

/// A reference into nothing would make the document useless to every tool.
#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

/// The fields that a reader names are those of the document.
#[test]
fn bodies_have_the_fields_that_are_read() {
    let key: Vec<&str> = ["name", "connection"].into_iter().chain(scope_fields::FIELDS).collect();
    let describe: Vec<&str> = ["connection"].into_iter().chain(scope_fields::FIELDS).collect();
    let bodies: [(&str, &[&str]); 28] = [
        ("AboutConsumer", &api::rotations::say::ABOUT_FIELDS),
        ("Answer", &api::approvals::answer::FIELDS),
        ("Cadence", &api::rotations::cadence::FIELDS),
        ("Code", &api::second_factor::FIELDS),
        ("ConsumerChange", &api::consumers::change::FIELDS),
        ("Freeze", &api::freeze::FIELDS),
        ("KeyReplacement", &api::keys::replace::FIELDS),
        ("LeaksToCheck", &api::leaks::FIELDS),
        ("Mode", &api::trading::MODE_FIELDS),
        ("NewConnection", &api::connections::add::FIELDS),
        ("NewConsumer", &api::consumers::add::FIELDS),
        ("NewInvitation", &api::people::invitations::FIELDS),
        ("NewKey", &key),
        ("NewPassword", &api::people::password::FIELDS),
        ("NewRehearsal", &api::rotations::rehearse::FIELDS),
        ("NewRotation", &api::rotations::plan::FIELDS),
        ("NewToken", &api::tokens::create::FIELDS),
        ("OrderToExplain", &api::keys::explain::FIELDS),
        ("Pair", &api::rotations::paste::FIELDS),
        ("Proof", &crate::pages::confirm::FIELDS),
        ("Prune", &api::audit::prune::FIELDS),
        ("Rename", &api::connections::rename::FIELDS),
        ("RoleChange", &api::people::change::FIELDS),
        ("RotateVault", &api::vault::rotate::FIELDS),
        ("RotationReason", &api::rotations::say::WHY_FIELDS),
        ("ScopeFields", &scope_fields::FIELDS),
        ("ScopeToDescribe", &describe),
        ("Why", &api::trading::WHY_FIELDS),
    ];
    let document = document();
    let mut documented: BTreeSet<String> = BTreeSet::new();
    for (_, _, operation) in finish::operations(&document) {
        let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        documented.extend(body.as_str().map(|name| name.rsplit('/').next().unwrap().to_owned()));
    }
    assert_eq!(documented, bodies.iter().map(|(name, _)| (*name).to_owned()).collect());
    for (name, fields) in bodies {
        let schema = &document["components"]["schemas"][name];
        let written: BTreeSet<&str> =
            schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(written, fields.iter().copied().collect(), "{name}");
        assert_eq!(schema["additionalProperties"], false, "{name}");
    }
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The codes that the sources make, each with its status, are those that the document tells of.
#[test]
fn every_code_is_told_of_with_its_status() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    // Pages have complaints of their own, and so have tests.
    for file in files
        .into_iter()
        .filter(|file| !file.components().any(|part| part.as_os_str().to_string_lossy().starts_with("pages")))
    {
        let text = fs::read_to_string(&file).unwrap();
        let text: String = text.split("#[cfg(test)]").next().unwrap().split_whitespace().collect();
        for piece in text.split("StatusCode::").skip(1) {
            let Some((status, rest)) = piece.split_once(",\"") else { continue };
            let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            let Some((code, after)) = rest.split_once('"') else { continue };
            if !plain(status)
                || !plain(code)
                || !after.starts_with(",\"")
                || file.ends_with("document/problems.rs")
            {
                continue;
            }
            let known = problems::CODES.iter().find(|(known, ..)| *known == code);
            let known = known.unwrap_or_else(|| {
                panic!("{}: add the code `{code}` to crates/web/src/document/problems.rs", file.display())
            });
            let is = format!("{:?}", status_named(status));
            assert_eq!(is, format!("{:?}", Some(known.1)), "{}: the status of `{code}`", file.display());
        }
    }
}

fn status_named(name: &str) -> Option<http::StatusCode> {
    (100..600).filter_map(|number| http::StatusCode::from_u16(number).ok()).find(|status| {
        let reason = status.canonical_reason().unwrap_or_default();
        reason.to_ascii_uppercase().replace([' ', '-'], "_") == name
    })
}

#[test]
fn codes_are_in_order_and_named_by_operations() {
    let names: Vec<&str> = problems::CODES.iter().map(|(code, ..)| *code).collect();
    assert!(names.is_sorted(), "{names:?}");
    let raw = serde_json::to_value(Operations::openapi()).unwrap();
    for (method, path, operation) in finish::operations(&raw) {
        let mut codes = BTreeSet::new();
        finish::collect(&operation["x-problems"], &mut codes);
        for code in codes {
            assert!(names.contains(&code.as_str()), "{method} {path}: `{code}` is not in problems::CODES");
        }
    }
}

#[test]
fn the_query_parameters_of_each_operation_are_known() {
    let listed = parameters("GET", "/api/v1/audit").unwrap();
    assert!(listed.contains("limit") && listed.contains("before"), "{listed:?}");
    assert!(parameters("POST", "/api/v1/check-in").is_some_and(BTreeSet::is_empty));
    assert_eq!(parameters("GET", "/api/v1/nothing"), None);
    let operations = finish::operations(&document()).count();
    assert_eq!(PARAMETERS.len(), operations);
}
