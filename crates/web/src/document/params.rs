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

/// A connection in the path, also one that was removed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ConnectionEverNamed {
    /// The connection's name, or the identifier of one that was removed.
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

/// An order of a connection in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OrderPath {
    /// The connection's name.
    name: String,
    /// Alpaca's identifier of the order, a UUID.
    id: String,
}

/// A position of a connection in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct PositionPath {
    /// The connection's name.
    name: String,
    /// The symbol, for example `AAPL`, or `BTC%2FUSD`.
    symbol: String,
}

/// A consumer of a connection in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ConsumerPath {
    /// The connection's name.
    name: String,
    /// The consumer's name.
    consumer: String,
}

/// A name for what is to be done once.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct Once {
    /// Names this one request, 1 to 64 visible characters: what carries the same name is not sent to Alpaca again.
    #[param(rename = "Idempotency-Key", value_type = String, required = false)]
    idempotency_key: String,
}

/// A request in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct RequestPath {
    /// The request's identifier.
    id: String,
}

/// Which requests are meant. Those that fit all that is given.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActivityFilter {
    /// Of that access key.
    #[param(value_type = String, required = false)]
    key: String,
    /// Of that person, of `operator` (the command line) or `paddock`.
    #[param(value_type = String, required = false)]
    person: String,
    /// For that connection, by its name; one that was removed by its identifier.
    #[param(value_type = String, required = false)]
    connection: String,
    /// `permitted`, `held` or `refused`.
    #[param(value_type = String, required = false)]
    decision: String,
    /// The name of a reason.
    #[param(value_type = String, required = false)]
    reason: String,
    /// Alpaca's operationId.
    #[param(value_type = String, required = false)]
    operation: String,
    /// A symbol, with or without the slash of a pair.
    #[param(value_type = String, required = false)]
    symbol: String,
    /// The identifier of a request or an order, or a client order id.
    #[param(value_type = String, required = false)]
    order: String,
    /// From that day of UTC or instant on.
    #[param(value_type = String, required = false)]
    from: String,
    /// Until the end of that day of UTC or that instant.
    #[param(value_type = String, required = false)]
    to: String,
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

/// An API token in the path.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct TokenName {
    /// The token's name or identifier.
    name: String,
}
