//! Parameters that several operations share.
#![expect(dead_code, reason = "only their schema is used: `Query` and `PathName` read parameters one by one")]

use utoipa::IntoParams;

/// Which page of a list.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Listing {
    /// The most items on a page.
    #[param(value_type = u32, minimum = 1, maximum = 1000, default = 100, required = false)]
    limit: u32,
    /// The `next_cursor` of the page before. It belongs to its list and is not to be taken apart.
    #[param(value_type = String, required = false)]
    cursor: String,
}

/// A connection in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ConnectionName {
    /// The connection's name.
    name: String,
}

/// A person in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct PersonName {
    /// The name by which the person signs in.
    name: String,
}

/// An identifier in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct Identifier {
    /// The identifier.
    id: String,
}

/// An access key in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct KeyName {
    /// The access key's name, or its Key ID.
    name: String,
}

/// An approval in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ApprovalPath {
    /// The approval's identifier.
    id: String,
}
