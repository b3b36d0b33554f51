//! Every operation of Alpaca's Trading and Market Data APIs, found by method and canonical path.
//!
//! The table follows Alpaca's OpenAPI documents of 2026-08-13 (57 trading and 42 market data operations), named by their
//! operationId. What is not in the table does not exist for Paddock.

mod data;
mod orders;
mod trading;

pub use orders::Orders;

use std::fmt;
use std::sync::LazyLock;

use paddock_core::PermissionClass;

use crate::path::{CanonicalPath, MAX_SEGMENTS};

/// The HTTP methods that Alpaca uses. All others, `HEAD` and `OPTIONS` included, name no operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Creates.
    Post,
    /// Replaces as a whole.
    Put,
    /// Changes in part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// The name on the wire, upper case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Reads the name, in exactly the spelling of the wire.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete]
            .into_iter()
            .find(|method| method.as_str() == name)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which of Alpaca's hosts answers an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Api {
    /// `api.alpaca.markets` or `paper-api.alpaca.markets`, by the environment of the connection.
    Trading,
    /// `data.alpaca.markets`, for both environments.
    Data,
}

/// Where the knowledge of an operation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Alpaca's OpenAPI documents.
    Specification,
    /// An official client uses it, though no document lists it.
    OfficialClient,
}

/// One named operation of Alpaca's API.
#[derive(Debug, PartialEq, Eq)]
pub struct Operation {
    /// Alpaca's operationId, for example `postOrder`.
    pub id: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The path with its parameters in braces, for example `/v2/orders/{order_id}`.
    pub path: &'static str,
    /// What kind of power it has.
    pub class: PermissionClass,
    /// Which host answers it.
    pub api: Api,
    /// The query parameters that the specification lists.
    pub query: &'static [&'static str],
    /// Where the knowledge of it comes from.
    pub origin: Origin,
}

impl Operation {
    /// Whether the answer is a stream of server-sent events, which has no end.
    #[must_use]
    pub fn is_event_stream(&self) -> bool {
        self.path.contains("/events/")
    }

    /// Whether it can change anything at Alpaca.
    #[must_use]
    pub const fn changes_state(&self) -> bool {
        !matches!(self.method, Method::Get)
    }
}

const fn operation(
    api: Api,
    method: Method,
    path: &'static str,
    id: &'static str,
    class: PermissionClass,
    query: &'static [&'static str],
) -> Operation {
    Operation { id, method, path, class, api, query, origin: Origin::Specification }
}

/// All operations: trading, then market data, then what only clients know of.
pub fn all() -> impl Iterator<Item = &'static Operation> {
    trading::OPERATIONS.iter().chain(&data::OPERATIONS).chain(&trading::CLIENT_ONLY)
}

/// The operation of that operationId.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Operation> {
    all().find(|operation| operation.id == id)
}

/// The values that a path has for the parameters of an operation, decoded: a crypto pair is `BTC/USD`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathParams(Vec<(&'static str, String)>);

impl PathParams {
    /// The value of the parameter of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The value of the first parameter, whatever its name; most operations have at most one.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.0.first().map(|(_, value)| value.as_str())
    }

    /// Names and values in the order of the path.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

enum Part {
    Literal(&'static str),
    Parameter(&'static str),
}

struct Route {
    operation: &'static Operation,
    parts: Vec<Part>,
}

/// Routes by number of segments, the more literal ones first, so that `/v1/locates/quotes` is not a locate named `quotes`.
static ROUTES: LazyLock<Vec<Vec<Route>>> = LazyLock::new(|| {
    let mut routes: Vec<Vec<Route>> = (0..=MAX_SEGMENTS).map(|_| Vec::new()).collect();
    for operation in all() {
        let parts: Vec<Part> = operation.path.split('/').skip(1).map(part).collect();
        if let Some(bucket) = routes.get_mut(parts.len()) {
            bucket.push(Route { operation, parts });
        }
    }
    for bucket in &mut routes {
        bucket.sort_by_key(|route| {
            route.parts.iter().map(|part| matches!(part, Part::Parameter(_))).collect::<Vec<_>>()
        });
    }
    routes
});

fn part(segment: &'static str) -> Part {
    match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => Part::Parameter(name),
        None => Part::Literal(segment),
    }
}

/// Finds the operation of a method and a canonical path. Literal segments match in their exact case, and win over
/// parameters.
#[must_use]
pub fn find(method: &str, path: &CanonicalPath) -> Option<(&'static Operation, PathParams)> {
    let mut segments = [""; MAX_SEGMENTS];
    let mut count = 0;
    for segment in path.segments() {
        *segments.get_mut(count)? = segment;
        count += 1;
    }
    let segments = &segments[..count];
    let route = ROUTES
        .get(count)?
        .iter()
        .find(|route| route.operation.method.as_str() == method && matches(&route.parts, segments))?;
    let mut params = PathParams::default();
    for (part, segment) in route.parts.iter().zip(segments) {
        if let Part::Parameter(name) = part {
            params.0.push((name, segment.replace("%2F", "/")));
        }
    }
    Some((route.operation, params))
}

fn matches(parts: &[Part], segments: &[&str]) -> bool {
    parts.iter().zip(segments).all(|(part, segment)| match part {
        Part::Literal(literal) => literal == segment,
        Part::Parameter(_) => true,
    })
}

#[cfg(test)]
mod tests;
