//! An error as a person or a program reads it.

use std::borrow::Cow;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What went wrong, in the form of RFC 9457 (`application/problem+json`). It never holds a secret, nor anything that a
/// person typed into a field where a secret belongs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// Stable name in snake case: programs may match on it.
    #[schema(value_type = String)]
    pub code: Cow<'static, str>,
    /// The kind of problem in a few words.
    #[schema(value_type = String)]
    pub title: Cow<'static, str>,
    /// What went wrong, one sentence, lower case, no full stop.
    #[schema(value_type = String)]
    pub detail: Box<str>,
    /// What to do about it, one clause, lower case, no full stop.
    #[schema(value_type = String)]
    pub next_step: Box<str>,
    /// Facts for programs, by name, as documented with the code.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub extra: Map<String, Value>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        detail: impl Into<Box<str>>,
        next_step: impl Into<Box<str>>,
    ) -> Self {
        Self {
            status: status.as_u16(),
            code: Cow::Borrowed(code),
            title: Cow::Borrowed(title),
            detail: detail.into(),
            next_step: next_step.into(),
            extra: Map::new(),
        }
    }

    /// The same problem with one more fact.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// The field at which it is, for the form that was sent.
    pub(crate) fn at_field(&self) -> Option<&str> {
        self.extra.get("field").and_then(Value::as_str)
    }

    /// The same problem with a parameter of a query, said of the field that the parameter is from.
    pub(crate) fn at_its_parameter(self) -> Self {
        match self.extra.get("parameter").and_then(Value::as_str).map(str::to_owned) {
            Some(parameter) => self.at(&parameter),
            None => self,
        }
    }

    /// Its HTTP status.
    pub(crate) fn http_status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The same problem, said of a field.
    pub(crate) fn at(self, field: &str) -> Self {
        self.with("field", field)
    }

    /// A field that holds what it may not. `expected` completes "expected ...".
    pub(crate) fn field(field: &str, expected: impl AsRef<str>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_field",
            "Invalid field",
            format!("`{field}` is not as it should be: expected {}", expected.as_ref()),
            format!("change `{field}` and try again"),
        )
        .with("field", field)
        .with("expected", expected.as_ref())
    }

    /// A field that must be there.
    pub(crate) fn missing(field: &str, expected: &str) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "missing_field",
            "Missing field",
            format!("`{field}` is missing: expected {expected}"),
            format!("add `{field}` and try again"),
        )
        .with("field", field)
        .with("expected", expected)
    }

    /// A field that holds none of the words that it may. `given` is quoted, so it must not come from a field for a secret.
    pub(crate) fn not_allowed(field: &str, given: &str, allowed: &[&str]) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_field",
            "Invalid field",
            format!("`{}` is no value for `{field}`", shown(given)),
            format!("use one of: {}", allowed.join(", ")),
        )
        .with("field", field)
        .with("allowed", allowed.to_vec())
    }
}

/// What was typed, cut to a length that is still readable, without control characters. A text long enough to be a key is not
/// shown at all, since people paste into the wrong field.
pub(crate) fn shown(given: &str) -> Cow<'_, str> {
    const LONGEST: usize = 19;
    if given.chars().count() > LONGEST {
        return Cow::Borrowed("...");
    }
    if given.chars().any(char::is_control) {
        return Cow::Owned(given.chars().filter(|character| !character.is_control()).collect());
    }
    Cow::Borrowed(given)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.http_status();
        // A map of strings always becomes JSON; an empty body would still carry the status.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        // Pages make one of their own of it.
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_a_key_is_not_quoted() {
        let problem = Problem::not_allowed("environment", "PKAAAABBBBCCCCDDDDEEEE2345", &["paper", "live"]);
        assert!(!problem.detail.contains("PKAAAA"), "{}", problem.detail);
        assert_eq!(shown("pap\u{1b}er"), "paper");
    }

    #[test]
    fn it_survives_json() {
        let problem = Problem::missing("name", "a name").with("number", 1);
        let json = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&json).unwrap(), problem);
    }
}
