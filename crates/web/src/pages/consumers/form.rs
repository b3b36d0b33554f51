//! The settings of a consumer as the fields of a form: `settings.names.key_id` is the field of that setting.

use serde_json::{Map, Value};

use crate::api::consumers::kinds::{Kind, Shape};
use crate::fields::{Fields, FormFields};
use crate::pages::form::FormView;
use crate::problem::Problem;

/// One setting as it stands in the form.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) label: &'static str,
    pub(super) hint: String,
    pub(super) optional: bool,
    /// `text`, `lines`, `flag` or `choice`.
    pub(super) shape: &'static str,
    pub(super) choices: Vec<(&'static str, &'static str)>,
}

/// The fields of a kind.
pub(super) fn fields(kind: &Kind) -> Vec<Field> {
    let field = |setting: &crate::api::consumers::kinds::Setting| {
        let empty = (!setting.required).then_some(("", "as usual"));
        Field {
            name: format!("settings.{}", setting.path),
            label: setting.label,
            hint: setting.hint.to_owned(),
            optional: !setting.required,
            shape: match setting.shape {
                Shape::Text | Shape::List | Shape::Number => "text",
                Shape::Lines => "lines",
                Shape::Flag => "flag",
                Shape::Choice => "choice",
            },
            choices: empty.into_iter().chain(setting.choices.iter().map(|word| (*word, *word))).collect(),
        }
    };
    kind.settings.iter().map(field).collect()
}

/// The names of all fields, to be shown again as they were typed.
pub(super) fn names(kind: &Kind) -> Vec<String> {
    kind.settings.iter().map(|setting| format!("settings.{}", setting.path)).collect()
}

/// Settings as they stand in a form.
pub(super) fn filled(mut form: FormView, kind: &Kind, settings: &Value) -> FormView {
    for setting in &kind.settings {
        let pointer = format!("/{}", setting.path.replace('.', "/"));
        let text = match settings.pointer(&pointer) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(true)) => "on".to_owned(),
            Some(Value::Bool(false)) => continue,
            Some(Value::Array(items)) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
            }
            Some(other) => other.to_string(),
        };
        form = form.with(&format!("settings.{}", setting.path), text);
    }
    form
}

/// The form with its settings as one object, as the API takes them.
pub(super) fn read(kind: &Kind, mut sent: FormFields) -> Result<Fields, Problem> {
    let mut settings = Map::new();
    for setting in &kind.settings {
        let name = format!("settings.{}", setting.path);
        let text = sent.one(&name);
        sent.set(&name, None);
        if text.is_empty() {
            continue;
        }
        let value = match setting.shape {
            Shape::Text | Shape::Lines | Shape::Choice => Value::from(text),
            Shape::List => text
                .split([',', '\n'])
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(Value::from)
                .collect(),
            Shape::Flag => Value::from(text == "on"),
            Shape::Number => {
                Value::from(text.parse::<u64>().map_err(|_| Problem::field(&name, "a whole number"))?)
            }
        };
        put(&mut settings, setting.path, value);
    }
    Ok(sent.0.set("settings", Value::Object(settings)))
}

fn put(settings: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => _ = settings.insert(path.to_owned(), value),
        Some((first, rest)) => {
            let inner = settings.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::consumers::kinds;

    #[test]
    fn what_stands_in_a_form_is_what_is_read_from_it() {
        for kind in kinds::all() {
            let form = filled(FormView::blank(), &kind, &kind.example);
            let pairs = names(&kind).into_iter().map(|name| (name.clone(), form.value(&name).to_owned()));
            let mut fields = read(&kind, FormFields::of(pairs)).unwrap();
            let settings = Value::Object(fields.object("settings").unwrap().unwrap());
            assert_eq!(settings, kind.example, "{}", kind.kind);
        }
    }
}
