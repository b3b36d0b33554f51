//! A scope in the fields from which it would be read.

use paddock_core::{PermissionClass, Scope};
use serde_json::{Map, Value};

/// A scope in the fields from which it would be read, without its end, which only the one who changes it can tell to be the same.
pub(crate) fn written(scope: &Scope) -> Map<String, Value> {
    // A scope always has a form in JSON, and nearly that of the fields.
    let Ok(Value::Object(mut fields)) = serde_json::to_value(scope) else { return Map::new() };
    let classes = scope.classes.iter().filter(|class| **class != PermissionClass::MoneyOut);
    let names = classes.map(|class| class.as_str()).chain(scope.operations.iter().map(String::as_str));
    let allow: Vec<&str> = names.collect();
    for name in ["classes", "operations", "expires_at"] {
        fields.remove(name);
    }
    fields.insert("allow".to_owned(), allow.into());
    fields
}
