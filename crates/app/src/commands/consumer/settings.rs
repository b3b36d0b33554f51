//! A consumer's settings as they are written at a command line: `apps=one,two names.key_id=ALPACA_KEY_ID`.

use std::path::Path;

use serde_json::{Map, Value};

use crate::failure::{Failure, Outcome};
use crate::paint::Paint;

/// The kind of that name among those that the server knows.
pub(super) fn named<'a>(answer: &'a Value, kind: &str) -> Outcome<&'a Value> {
    let kinds = answer["kinds"].as_array().map(Vec::as_slice).unwrap_or_default();
    kinds.iter().find(|one| one["kind"] == kind).ok_or_else(|| {
        let known: Vec<&str> = kinds.iter().filter_map(|one| one["kind"].as_str()).collect();
        Failure::usage(format!("`{kind}` is no kind of consumer"))
            .hint(format!("use one of: {}", known.join(", ")))
    })
}

/// A file with all settings.
pub(super) fn from_file(path: &Path) -> Outcome<Map<String, Value>> {
    let text = std::fs::read_to_string(path).map_err(Failure::cannot(format!("read {}", path.display())))?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(settings)) => Ok(settings),
        _ => Err(Failure::usage(format!("{} holds no JSON object", path.display()))
            .hint("see the examples of `paddock consumer kinds`")),
    }
}

/// Settings that are said one by one, over those that were there. An empty value takes one away.
pub(super) fn from_words(
    kind: &Value,
    words: &[String],
    before: Option<&Map<String, Value>>,
) -> Outcome<Map<String, Value>> {
    let mut settings = before.cloned().unwrap_or_default();
    for word in words {
        let Some((path, text)) = word.split_once('=') else {
            return Err(Failure::usage("a setting is written NAME=VALUE, and one has no `=`"));
        };
        let known = kind["settings"].as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(setting) = known.iter().find(|one| one["path"] == path) else {
            let names: Vec<&str> = known.iter().filter_map(|one| one["path"].as_str()).collect();
            return Err(Failure::usage(format!("there is no setting `{path}` of this kind"))
                .hint(format!("the settings are: {}", names.join(", "))));
        };
        put(&mut settings, path, value(setting, path, text)?);
    }
    Ok(settings)
}

fn value(setting: &Value, path: &str, text: &str) -> Outcome<Option<Value>> {
    if text.is_empty() {
        return Ok(None);
    }
    let wrong =
        |expected: &str| Failure::usage(format!("`{path}` is not as it should be: expected {expected}"));
    Ok(Some(match setting["shape"].as_str() {
        Some("list") => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            items.map(Value::from).collect()
        }
        Some("flag") => match text {
            "true" | "yes" => true.into(),
            "false" | "no" => false.into(),
            _ => return Err(wrong("`true` or `false`")),
        },
        Some("number") => text.parse::<u64>().map_err(|_| wrong("a whole number"))?.into(),
        _ => text.into(),
    }))
}

/// Puts a value at `place.owner`, or takes it away.
fn put(settings: &mut Map<String, Value>, path: &str, value: Option<Value>) {
    match (path.split_once('.'), value) {
        (None, Some(value)) => _ = settings.insert(path.to_owned(), value),
        (None, None) => _ = settings.remove(path),
        (Some((first, rest)), value) => {
            let inner = settings.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
                if inner.is_empty() {
                    settings.remove(first);
                }
            }
        }
    }
}

/// Settings in one line.
pub(super) fn one_line(settings: &Value) -> String {
    let mut words = Vec::new();
    collect(settings, String::new(), &mut words);
    words.join(" ")
}

fn collect(value: &Value, path: String, words: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(value, path, words);
            }
        }
        Value::Array(items) => {
            let items: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            words.push(format!("{path}={}", items.join(",")));
        }
        Value::String(text) => words.push(format!("{path}={text}")),
        other => words.push(format!("{path}={other}")),
    }
}

/// A kind with its settings.
pub(super) fn describe_kind(kind: &Value, paint: Paint) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = format!("{}  {}\n", paint.bold(&text(&kind["kind"])), text(&kind["title"]));
    for setting in kind["settings"].as_array().into_iter().flatten() {
        let needed = if setting["required"] == true { "" } else { " (may be left out)" };
        let choices: Vec<&str> =
            setting["choices"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let choices =
            if choices.is_empty() { String::new() } else { format!(" One of {}.", choices.join(", ")) };
        lines += &format!("  {}{needed}: {}{choices}\n", text(&setting["path"]), text(&setting["hint"]));
    }
    lines += &format!("  secret: {}\n", kind["secret"].as_str().unwrap_or("none"));
    lines += &format!("  for example {}\n", kind["example"]);
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind() -> Value {
        json!({ "settings": [
            { "path": "apps", "shape": "list" }, { "path": "api", "shape": "text" },
            { "path": "names.key_id", "shape": "text" }, { "path": "send_values", "shape": "flag" },
        ] })
    }

    fn read(words: &[&str], before: Value) -> Outcome<Value> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        from_words(&kind(), &words, before.as_object()).map(Value::Object)
    }

    #[test]
    fn settings_are_said_one_by_one_over_those_that_were_there() {
        let words = ["apps=one, two", "names.key_id=A", "send_values=yes"];
        let expected =
            json!({ "apps": ["one", "two"], "names": { "key_id": "A" }, "send_values": true, "api": "x" });
        assert_eq!(read(&words, json!({ "api": "x" })).unwrap(), expected);
        let taken_away = read(&["names.key_id="], json!({ "names": { "key_id": "A" }, "api": "x" })).unwrap();
        assert_eq!(taken_away, json!({ "api": "x" }));
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for word in ["colour=red", "apps", "send_values=perhaps"] {
            assert!(read(&[word], json!({})).is_err(), "{word}");
        }
    }
}
