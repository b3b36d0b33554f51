//! What a program asks of a data stream, and the errors that it can get.

use paddock_core::SecretText;
use serde_json::Value;

use super::feed::{Channel, Feed};
use super::selection::ALL;

/// An error of a data stream: its code and message, from Alpaca's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamError(pub u64, pub &'static str);

impl StreamError {
    /// The message cannot be read, or its action is unknown.
    pub const INVALID_SYNTAX: Self = Self(400, "invalid syntax");
    /// A subscription comes before credentials.
    pub const NOT_AUTHENTICATED: Self = Self(401, "not authenticated");
    /// The credentials are wrong.
    pub const AUTH_FAILED: Self = Self(402, "auth failed");
    /// Credentials come again.
    pub const ALREADY_AUTHENTICATED: Self = Self(403, "already authenticated");
    /// No good credentials came in time.
    pub const AUTH_TIMEOUT: Self = Self(404, "auth timeout");
    /// More symbols than the account may have.
    pub const SYMBOL_LIMIT: Self = Self(405, "symbol limit exceeded");
    /// The account is connected already.
    pub const CONNECTION_LIMIT: Self = Self(406, "connection limit exceeded");
    /// The client does not read fast enough.
    pub const SLOW_CLIENT: Self = Self(407, "slow client");
    /// A channel that the feed does not have.
    pub const INVALID_SUBSCRIBE: Self = Self(410, "invalid subscribe action for this feed");
    /// The account or the access key may not have what was asked for.
    pub const INSUFFICIENT_SUBSCRIPTION: Self = Self(409, "insufficient subscription");
    /// The credentials may not use the stream.
    pub const INSUFFICIENT_SCOPE: Self = Self(411, "insufficient scope");
    /// A client of an options stream has not asked for MessagePack.
    pub const MESSAGEPACK_ONLY: Self = Self(412, "option messages are only available in MsgPack format");
    /// The quotes of all option contracts are more than Alpaca sends.
    pub const NOT_ALL_OPTION_QUOTES: Self = Self(413, "star subscription is not allowed for option quotes");
    /// Something failed that is not the client's fault.
    pub const INTERNAL: Self = Self(500, "internal error");

    /// The error with that code; an internal one if there is none.
    #[must_use]
    pub fn of_code(code: u64) -> Self {
        let all = [
            Self::INVALID_SYNTAX,
            Self::NOT_AUTHENTICATED,
            Self::AUTH_FAILED,
            Self::ALREADY_AUTHENTICATED,
            Self::AUTH_TIMEOUT,
            Self::SYMBOL_LIMIT,
            Self::CONNECTION_LIMIT,
            Self::SLOW_CLIENT,
            Self::INSUFFICIENT_SUBSCRIPTION,
            Self::INVALID_SUBSCRIBE,
            Self::INSUFFICIENT_SCOPE,
            Self::MESSAGEPACK_ONLY,
            Self::NOT_ALL_OPTION_QUOTES,
        ];
        all.into_iter().find(|error| error.0 == code).unwrap_or(Self::INTERNAL)
    }
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Credentials: a pair, or the word `oauth` or `access_token` and a token.
    Authenticate {
        /// The Key ID, or the word.
        key: String,
        /// The Secret Key, or the token.
        secret: SecretText,
    },
    /// More symbols.
    Subscribe(Lists),
    /// Fewer.
    Unsubscribe(Lists),
}

/// Symbols by channel.
pub type Lists = Vec<(Channel, Vec<String>)>;

/// Reads a request. Corrections and cancellations follow the trades, whatever is asked; names that Alpaca does not know are
/// ignored.
///
/// # Errors
/// [`StreamError::INVALID_SYNTAX`], [`StreamError::INVALID_SUBSCRIBE`] and [`StreamError::NOT_ALL_OPTION_QUOTES`].
pub fn parse(value: &Value, feed: Feed) -> Result<Request, StreamError> {
    let text = |name: &str| value[name].as_str().unwrap_or_default();
    match value["action"].as_str() {
        Some("auth") => {
            let secret = SecretText::new(text("secret").to_owned());
            Ok(Request::Authenticate { key: text("key").to_owned(), secret })
        }
        Some("subscribe") => {
            let lists = lists(value, feed)?;
            let is_all_quotes = |(channel, symbols): &(Channel, Vec<String>)| {
                *channel == Channel::Quotes && symbols.iter().any(|symbol| symbol == ALL)
            };
            if feed.is_of_options() && lists.iter().any(is_all_quotes) {
                return Err(StreamError::NOT_ALL_OPTION_QUOTES);
            }
            Ok(Request::Subscribe(lists))
        }
        Some("unsubscribe") => Ok(Request::Unsubscribe(lists(value, feed)?)),
        _ => Err(StreamError::INVALID_SYNTAX),
    }
}

fn lists(value: &Value, feed: Feed) -> Result<Lists, StreamError> {
    let fields = value.as_object().ok_or(StreamError::INVALID_SYNTAX)?;
    let mut lists = Lists::new();
    for (name, symbols) in fields {
        let Some(channel) = Channel::named(name) else { continue };
        let symbols: Option<Vec<String>> = match symbols {
            Value::Null => Some(Vec::new()),
            Value::Array(symbols) => {
                symbols.iter().map(|symbol| symbol.as_str().map(ToOwned::to_owned)).collect()
            }
            _ => None,
        };
        let symbols = symbols.ok_or(StreamError::INVALID_SYNTAX)?;
        if symbols.is_empty() {
            continue;
        }
        if !feed.channels().contains(&channel) {
            return Err(StreamError::INVALID_SUBSCRIBE);
        }
        lists.push((channel, symbols));
    }
    Ok(lists)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[test]
    fn symbols_are_read_by_channel() {
        let value =
            json!({"action": "subscribe", "trades": ["AAPL"], "quotes": [], "corrections": ["X"], "who": 1});
        let Ok(Request::Subscribe(lists)) = parse(&value, Feed::Iex) else { panic!("{value}") };
        assert_eq!(lists, [(Channel::Trades, vec!["AAPL".to_owned()])]);
    }

    #[rstest]
    #[case(json!({"action": "subscribe", "trades": ["*"], "quotes": ["AAPL261218C00150000"]}), None)]
    #[case(json!({"action": "unsubscribe", "quotes": ["*"]}), None)]
    #[case(json!({"action": "subscribe", "quotes": ["*"]}), Some(StreamError::NOT_ALL_OPTION_QUOTES))]
    #[case(json!({"action": "subscribe", "bars": ["AAPL261218C00150000"]}), Some(StreamError::INVALID_SUBSCRIBE))]
    fn options_have_trades_and_quotes(#[case] value: Value, #[case] expected: Option<StreamError>) {
        assert_eq!(parse(&value, Feed::Opra).err(), expected);
    }

    #[rstest]
    #[case(json!([]), StreamError::INVALID_SYNTAX)]
    #[case(json!({"action": "sing"}), StreamError::INVALID_SYNTAX)]
    #[case(json!({"action": "subscribe", "trades": "AAPL"}), StreamError::INVALID_SYNTAX)]
    #[case(json!({"action": "subscribe", "trades": [1]}), StreamError::INVALID_SYNTAX)]
    #[case(json!({"action": "subscribe", "orderbooks": ["AAPL"]}), StreamError::INVALID_SUBSCRIBE)]
    #[case(json!({"action": "subscribe", "news": ["*"]}), StreamError::INVALID_SUBSCRIBE)]
    fn what_cannot_be_done_has_a_code(#[case] value: Value, #[case] expected: StreamError) {
        assert_eq!(parse(&value, Feed::Sip).unwrap_err(), expected);
    }
}
