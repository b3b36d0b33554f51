//! The query of a request, read one parameter by one, so that every complaint can name it.

use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

use crate::problem::{Problem, shown};

/// The parameters of a query.
#[derive(Debug)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// The parameters that a page asks an endpoint with.
    pub(crate) fn of<const N: usize>(parameters: [(&str, &str); N]) -> Self {
        Self(parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// A text, if there is one.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// A yes or no; no when absent.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.0.remove(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(bad(name, "`true` or `false`")),
        }
    }

    /// A whole number, if there is one: as far as positions of the audit go.
    pub(crate) fn number(&mut self, name: &str) -> Result<Option<u64>, Problem> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(text) => {
                let number = text.parse::<u64>().ok().filter(|number| i64::try_from(*number).is_ok());
                let number =
                    number.ok_or_else(|| bad(name, "a whole number from 0 to 9223372036854775807"))?;
                Ok(Some(number))
            }
        }
    }

    /// How many items to answer with: from 1 to `most`, and `usual` when absent.
    pub(crate) fn limit(&mut self, usual: u32, most: u32) -> Result<u32, Problem> {
        match self.number("limit")? {
            None => Ok(usual),
            Some(limit) => u32::try_from(limit)
                .ok()
                .filter(|limit| (1..=most).contains(limit))
                .ok_or_else(|| bad("limit", &format!("a whole number from 1 to {most}"))),
        }
    }

    /// Refuses what is left.
    pub(crate) fn finish(self, known: &[&str]) -> Result<(), Problem> {
        Self::refuse(self.0.keys().next(), known)
    }

    /// Refuses all parameters but these.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        Self::refuse(self.0.keys().find(|name| !known.contains(&name.as_str())), known)
    }

    fn refuse(name: Option<&String>, known: &[&str]) -> Result<(), Problem> {
        match name {
            None => Ok(()),
            Some(name) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "unknown_parameter",
                "Unknown parameter",
                format!("there is no parameter `{}` here", shown(name)),
                match known {
                    [] => "leave the query out".to_owned(),
                    known => format!("the parameters are: {}", known.join(", ")),
                },
            )
            .with("allowed", known.to_vec())),
        }
    }
}

pub(crate) fn bad(name: &str, expected: &str) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "invalid_parameter",
        "Invalid parameter",
        format!("the parameter `{name}` is not as it should be: expected {expected}"),
        format!("change `{name}` and try again"),
    )
    .with("parameter", name)
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let malformed = |detail: &str| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "malformed_query",
                "Malformed query",
                detail,
                "send parameters as `name=value`, joined by `&`, each once",
            )
        };
        let query = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| malformed("the query cannot be read"))?;
        let mut parameters = BTreeMap::new();
        for (name, value) in query.0 {
            if parameters.insert(name, value).is_some() {
                return Err(malformed("a parameter stands twice in the query"));
            }
        }
        Ok(Self(parameters))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    async fn read(query: &str) -> Result<Query, Problem> {
        let (mut parts, ()) =
            http::Request::builder().uri(format!("/x?{query}")).body(()).unwrap().into_parts();
        Query::from_request_parts(&mut parts, &()).await
    }

    #[rstest]
    #[case("limit=0")]
    #[case("limit=501")]
    #[case("limit=-1")]
    #[case("limit=x")]
    #[tokio::test]
    async fn limits_have_bounds(#[case] query: &str) {
        assert_eq!(read(query).await.unwrap().limit(50, 500).unwrap_err().code, "invalid_parameter");
    }

    #[tokio::test]
    async fn what_is_absent_has_its_usual_value() {
        let mut query = read("").await.unwrap();
        assert_eq!(query.limit(50, 500), Ok(50));
        assert_eq!(query.flag("revoked"), Ok(false));
    }

    #[tokio::test]
    async fn doubled_and_unknown_parameters_are_refused() {
        assert_eq!(read("a=1&a=2").await.unwrap_err().code, "malformed_query");
        assert_eq!(read("b=1").await.unwrap().finish(&["a"]).unwrap_err().code, "unknown_parameter");
    }
}
