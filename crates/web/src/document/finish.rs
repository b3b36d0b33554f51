//! What is added to the document for every operation alike.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use paddock_core::Role;

use super::problems::{self, CODES};
use crate::access::{self, Least};

/// The methods that an address of OpenAPI may have.
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// All operations: method, path, and the operation.
pub(super) fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        METHODS.into_iter().filter_map(move |method| Some((method, path.as_str(), item.get(method)?)))
    })
}

/// Adds it.
pub(super) fn finish(mut document: Value) -> Value {
    flatten_all(&mut document);
    let bodies = body_schemas(&document);
    for name in bodies {
        document["components"]["schemas"][name]["additionalProperties"] = false.into();
    }
    let closed: BTreeSet<String> = document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, schema)| schema["required"].as_array().is_none_or(Vec::is_empty))
        .map(|(name, _)| name.clone())
        .collect();
    for (path, item) in document["paths"].as_object_mut().into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get_mut(method) {
                finish_operation(method, path, operation, &closed);
            }
        }
    }
    document["components"]["securitySchemes"] = json!({
        "session": { "type": "apiKey", "in": "cookie", "name": "paddock", "description": "The cookie of a person who signed in." },
        "token": { "type": "http", "scheme": "bearer", "description": "A personal API token." },
    });
    document["security"] = json!([{ "session": [] }, { "token": [] }]);
    document
}

/// The names of the schemas of bodies. What is not in them is refused.
fn body_schemas(document: &Value) -> BTreeSet<String> {
    operations(document)
        .filter_map(|(_, _, operation)| {
            let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            Some(body.as_str()?.rsplit('/').next()?.to_owned())
        })
        .collect()
}

fn finish_operation(method: &str, path: &str, operation: &mut Value, without_required: &BTreeSet<String>) {
    describe(operation);
    let mut codes: BTreeSet<String> = BTreeSet::new();
    collect(&operation["x-problems"].take(), &mut codes);
    if let Some(operation) = operation.as_object_mut() {
        operation.remove("x-problems");
    }
    let mut add = |more: &[&str]| codes.extend(more.iter().map(|code| (*code).to_owned()));
    add(problems::ANY);
    let access = http::Method::from_bytes(method.to_uppercase().as_bytes()).ok();
    let line = access.and_then(|method| access::line(&method, path));
    if let Some(line) = line {
        let role = match line.least {
            Least::Anybody => "anybody",
            Least::Role(role) => role.as_str(),
        };
        operation["x-role"] = role.into();
        if matches!(line.least, Least::Role(role) if role > Role::Viewer) {
            add(&["role_too_low"]);
        }
        if line.whole {
            operation["x-first-team"] = true.into();
            add(&["first_team_only"]);
        }
        if line.fresh.is_some() {
            operation["x-fresh-factor"] = true.into();
            add(&["fresh_factor_needed"]);
        }
    }
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    let parameters = parameters.map(Vec::as_mut_slice).unwrap_or_default();
    if parameters.iter().any(|one| one["in"] == "query") {
        add(problems::WITH_QUERY);
    }
    if path.contains('{') {
        add(problems::WITH_PATH);
    }
    if method != "get" {
        add(problems::CHANGE);
    }
    if method == "post" {
        add(problems::KEYED);
    }
    // A parameter is there or not; there is no way to write that it is null.
    parameters.iter_mut().filter_map(|one| one.get_mut("schema")).for_each(not_null);
    let body = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
    if let Some(name) = body.and_then(|body| body.rsplit('/').next()) {
        operation["requestBody"]["required"] = (!without_required.contains(name)).into();
    }
    add_problems(operation, &codes);
}

/// The first sentence of the description is the summary.
fn describe(operation: &mut Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let whole = format!("{} {}", text(&operation["summary"]), text(&operation["description"]));
    let whole = whole.split_whitespace().collect::<Vec<_>>().join(" ");
    // A link to Rust's documentation says nothing to readers of this one.
    let whole = whole.replace("[`", "`").replace("`]", "`");
    let first = whole.split_once(". ").map_or(whole.as_str(), |(first, _)| first);
    operation["summary"] = first.trim_end_matches('.').into();
    operation["description"] = whole.into();
}

pub(super) fn collect(problems: &Value, codes: &mut BTreeSet<String>) {
    match problems {
        Value::Array(items) => items.iter().for_each(|item| collect(item, codes)),
        Value::String(code) => _ = codes.insert(code.clone()),
        _ => {}
    }
}

/// Adds a response for each status with which one of the codes is answered.
fn add_problems(operation: &mut Value, codes: &BTreeSet<String>) {
    let mut by_status: BTreeMap<u16, Vec<&(&str, http::StatusCode, &str)>> = BTreeMap::new();
    for known in CODES.iter().filter(|(code, ..)| codes.contains(*code)) {
        by_status.entry(known.1.as_u16()).or_default().push(known);
    }
    for (status, known) in by_status {
        let lines: Vec<String> = known.iter().map(|(code, _, says)| format!("* `{code}`: {says}")).collect();
        let names: Vec<&str> = known.iter().map(|(code, ..)| *code).collect();
        let schema = json!({
            "allOf": [
                { "$ref": "#/components/schemas/Problem" },
                { "type": "object", "properties": { "code": { "enum": names }, "status": { "const": status } } },
            ],
        });
        let mut response = json!({
            "description": lines.join("\n"),
            "content": { "application/problem+json": { "schema": schema } },
        });
        if status == 429 {
            response["headers"] = json!({
                "Retry-After": { "description": "Seconds until it may be tried again.", "schema": { "type": "integer", "minimum": 1 } },
            });
        }
        operation["responses"][status.to_string()] = response;
    }
}

/// Takes the null out of a schema's types.
fn not_null(schema: &mut Value) {
    let Some(types) = schema["type"].as_array() else { return };
    if let [only] = types.iter().filter(|kind| *kind != "null").collect::<Vec<_>>().as_slice() {
        schema["type"] = (*only).clone();
    }
}

/// Writes as one object what consists of several.
fn flatten_all(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    // The items of a page are written out in it although they have a name.
    for (name, page) in schemas.as_object_mut().into_iter().flatten() {
        if let Some(item) = name.strip_prefix("Page_") {
            page["properties"]["items"]["items"] = json!({ "$ref": format!("#/components/schemas/{item}") });
        }
    }
    let composed: Vec<String> = schemas
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, schema)| schema["allOf"].is_array())
        .map(|(name, _)| name.clone())
        .collect();
    for name in composed {
        let schema = schemas[&name].take();
        let mut whole = json!({ "type": "object", "properties": {} });
        for part in schema["allOf"].as_array().into_iter().flatten() {
            merge(&mut whole, &resolved(part, schemas));
        }
        if let Some(description) = schema.get("description") {
            whole["description"] = description.clone();
        }
        schemas[name] = whole;
    }
}

fn resolved(part: &Value, schemas: &Value) -> Value {
    let name = part["$ref"].as_str().and_then(|name| name.rsplit('/').next());
    name.map_or_else(|| part.clone(), |name| schemas[name].clone())
}

fn merge(whole: &mut Value, part: &Value) {
    let fields = part["properties"].as_object().cloned().unwrap_or_default();
    let required = part["required"].as_array().cloned().unwrap_or_default();
    let whole = whole.as_object_mut();
    let Some(whole) = whole else { return };
    let all = whole.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    if let Some(all) = all.as_object_mut() {
        all.extend(fields);
    }
    if !required.is_empty()
        && let Some(all) = whole.entry("required").or_insert_with(|| json!([])).as_array_mut()
    {
        all.extend(required);
    }
}
