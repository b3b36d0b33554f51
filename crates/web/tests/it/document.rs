//! What the OpenAPI document says is what is answered: every answer that any test here gets is held against it (`harness.rs`), and what it
//! promises of every operation alike is tried on each.
#![expect(clippy::panic, reason = "an answer that is not as documented is a failed test")]

use std::sync::LazyLock;

use axum::body::Body;
use http::{Request, header};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::harness::{Paddock, Reply};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap());

/// Every operation with a path that could be: method, path, operation.
fn operations() -> Vec<(String, String, &'static Value)> {
    let mut found = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let id = "0192f3c0-0000-7000-8000-000000000001";
                let path =
                    path.replace("{name}", "nobody").replace("{id}", id).replace("{consumer}", "nobody");
                found.push((method.to_uppercase(), path, operation));
            }
        }
    }
    assert!(found.len() > 35);
    found
}

/// The operation that a request is for.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |template: &str| {
        let (one, other): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
        one.len() == other.len()
            && one
                .iter()
                .zip(other)
                .all(|(one, other)| *one == other || (one.starts_with('{') && !other.is_empty()))
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    // `/audit/export` is no name.
    let item =
        paths.get(path).or_else(|| paths.iter().find(|(template, _)| fits(template)).map(|(_, item)| item));
    item?.get(method.to_lowercase())
}

/// Fails when the document does not tell of this answer: its status, its type, or a field of it.
#[track_caller]
pub(crate) fn check_answer(method: &str, path: &str, reply: &Reply) {
    let Some(operation) = operation(method, path) else { return };
    let status = reply.status.as_u16().to_string();
    let Some(response) = operation["responses"].get(&status) else {
        panic!("{method} {path}: the document knows no {status} here: {reply:?}");
    };
    if response.get("content").is_none() {
        assert!(
            reply.bytes.is_empty(),
            "{method} {path} {status}: the document knows no body here: {reply:?}"
        );
        return;
    }
    let kind = reply.headers.get(header::CONTENT_TYPE).map_or("", |kind| kind.to_str().unwrap());
    let Some(content) = response["content"].get(kind) else {
        panic!("{method} {path} {status}: the document knows no {kind}, but {}", response["content"]);
    };
    if kind.ends_with("/json") || kind.ends_with("+json") {
        check(&reply.json, &content["schema"], &format!("{method} {path} {status}"));
    }
}

/// Holds a value against a schema, as far as ours go. Unlike a schema, it refuses fields that are not told of.
#[track_caller]
fn check(value: &Value, schema: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        return check(value, DOCUMENT.pointer(&reference[1..]).unwrap(), at);
    }
    if let Some([whole, narrower]) = schema["allOf"].as_array().map(Vec::as_slice) {
        check(value, whole, at);
        for (name, field) in narrower["properties"].as_object().unwrap() {
            check(&value[name], field, &format!("{at}.{name}"));
        }
        return;
    }
    if let Some(either) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        let null = either.iter().any(|one| one["type"] == "null");
        match either.iter().find(|one| one["type"] != "null") {
            Some(_) if null && value.is_null() => {}
            Some(one) => check(value, one, at),
            None => panic!("{at}: nothing fits"),
        }
        return;
    }
    if let Some(words) = schema["enum"].as_array() {
        assert!(words.contains(value), "{at}: {value} is none of {words:?}");
    }
    if let Some(only) = schema.get("const") {
        assert_eq!(value, only, "{at}");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(types.contains(&kind), "{at}: {value} is no {types:?}");
    match value {
        Value::Array(items) => {
            items.iter().for_each(|item| check(item, &schema["items"], &format!("{at}[]")))
        }
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                assert!(fields.contains_key(name), "{at}: `{name}` is missing in {value}");
            }
            // An object without properties may hold anything, as may a record's event.
            let Some(known) = schema["properties"].as_object().filter(|_| !at.ends_with(".event")) else {
                return;
            };
            for (name, field) in fields {
                let Some(schema) = known.get(name) else {
                    panic!("{at}: the document knows no `{name}`: {field}")
                };
                check(field, schema, &format!("{at}.{name}"));
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn it_is_served_as_it_is_kept() {
    let paddock = Paddock::start().await;
    let reply = paddock.get("/api/v1/openapi.json").await;
    assert_eq!(reply.expect(200).json, *DOCUMENT);
    assert_eq!(reply.json["openapi"], "3.1.0");
}

/// Every operation of the document is there, and takes no parameter but those that it tells of.
#[tokio::test]
async fn every_operation_is_served_and_refuses_what_it_does_not_know() {
    let paddock = Paddock::start().await;
    for (method, path, _) in operations() {
        let reply = paddock.call_with(&method, &format!("{path}?no_such_parameter=1"), Body::empty()).await;
        reply.expect_problem(400, "unknown_parameter");
    }
}

#[tokio::test]
async fn every_change_takes_json_only_and_no_field_that_it_does_not_know() {
    let paddock = Paddock::start().await;
    for (method, path, operation) in operations().into_iter().filter(|(method, ..)| method != "GET") {
        let request = Request::builder().method(&*method).uri(&*path);
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let response = paddock.api.clone().oneshot(request.body(Body::from("a=b")).unwrap()).await.unwrap();
        Reply::of(response).await.expect_problem(415, "unsupported_media_type");
        let reply = paddock.call(&method, &path, &json!({ "no_such_field": 1 })).await;
        assert!(reply.status == 422 || reply.status == 404, "{method} {path}: {reply:?}");
        if operation.get("requestBody").is_none() {
            reply.expect_problem(422, "unknown_field");
        }
    }
}

#[tokio::test]
async fn other_methods_are_told_which_there_are() {
    let paddock = Paddock::start().await;
    for (_, path, _) in operations() {
        let known: Vec<String> = operations()
            .into_iter()
            .filter(|(_, other, _)| *other == path)
            .map(|(method, ..)| method)
            .collect();
        let allowed = |reply: &Reply| {
            let mut allowed: Vec<String> = reply.headers[header::ALLOW]
                .to_str()
                .unwrap()
                .split(',')
                .map(|one| one.trim().to_owned())
                .collect();
            allowed.retain(|one| one != "HEAD");
            allowed.sort();
            allowed
        };
        let mut sorted = known.clone();
        sorted.sort();
        let reply = paddock.call_with("PUT", &path, Body::empty()).await;
        assert_eq!(allowed(reply.expect_problem(405, "method_not_allowed")), sorted, "{path}");
        let reply = paddock.call_with("OPTIONS", &path, Body::empty()).await;
        assert_eq!(allowed(reply.expect(204)), sorted, "{path}");
        if known.iter().any(|method| method == "GET") && !path.ends_with("/events") {
            let head = paddock.call_with("HEAD", &path, Body::empty()).await;
            let get = paddock.get(&path).await;
            assert_eq!((head.status, head.bytes.len()), (get.status, 0), "{path}");
        }
    }
}
