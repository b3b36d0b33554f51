//! What Alpaca answers when it does not do what it was asked.

mod table;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use paddock_core::Refusal;
use serde_json::Value;

use crate::operation::{Api, Operation};
use crate::path::{PathFault, QueryFault};

/// An error answer: `{"code":40310000,"message":"insufficient buying power", ...}`.
///
/// The code is the HTTP status times 100,000 plus a detail, except that many answers of status 422 have 40010001. A few
/// answers have no code. Codes are stable, messages may change (Alpaca's documentation of its errors).
/// Constructors, one for each situation, stand in one table, so that a wording is corrected in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlpacaError {
    /// The HTTP status.
    pub status: u16,
    /// Alpaca's code, where the answer has one.
    pub code: Option<u32>,
    /// The sentence.
    pub message: Cow<'static, str>,
    /// Further members of the answer, such as `buying_power`.
    pub extra: BTreeMap<String, Value>,
}

/// The page with which Alpaca's data host, its clock and its calendars answer a request without a valid key, as
/// `text/html` with status 401.
pub const UNAUTHORIZED_HTML: &str = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n\
<center><h1>401 Authorization Required</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n";

/// Whether Alpaca answers a request for this operation that has no valid key with [`UNAUTHORIZED_HTML`], and not
/// with JSON (measured by third parties in 2026).
#[must_use]
pub fn unauthorized_is_html(operation: &Operation) -> bool {
    operation.api == Api::Data
        || matches!(operation.id, "LegacyClock" | "LegacyCalendar" | "Clock" | "Calendar")
}

/// How much of a message that is not Alpaca's own JSON is kept, in characters.
const KEPT_MESSAGE: usize = 300;

impl AlpacaError {
    /// An answer with a code and nothing else.
    #[must_use]
    pub fn new(status: u16, code: u32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: Some(code), message: message.into(), extra: BTreeMap::new() }
    }

    /// An answer without a code.
    #[must_use]
    pub fn without_code(status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: None, message: message.into(), extra: BTreeMap::new() }
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// Paddock's own refusal, in Alpaca's form: the reason's stable number as the code, its name as `reason`, and the values
    /// that decided it as `numbers`.
    #[must_use]
    pub fn refusal(refusal: &Refusal) -> Self {
        let number = refusal.code.number();
        let status = u16::try_from(number / 100_000).unwrap_or(403);
        let numbers: serde_json::Map<String, Value> =
            refusal.numbers.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
        Self::new(status, number, refusal.message.clone())
            .with("numbers", numbers)
            .with("reason", refusal.code.as_str())
    }

    /// The body: a JSON object with its keys in alphabetical order, as Alpaca writes them.
    #[must_use]
    pub fn to_body(&self) -> Vec<u8> {
        let mut members = self.extra.clone();
        if let Some(code) = self.code {
            members.insert("code".to_owned(), Value::from(code));
        }
        members.insert("message".to_owned(), Value::from(self.message.as_ref()));
        let members: serde_json::Map<String, Value> = members.into_iter().collect();
        Value::Object(members).to_string().into_bytes()
    }

    /// Whether it refuses the credential: 401, or one of the forms of 403 that Alpaca had in earlier years. Other answers of 403 are about
    /// the account.
    #[must_use]
    pub const fn refuses_credential(&self) -> bool {
        self.status == 401 || (self.status == 403 && matches!(self.code, None | Some(40_110_000)))
    }

    /// Reads an error answer that is Alpaca's own: a JSON object with a message. The page of a proxy or a captive portal is none, whatever
    /// its status; neither is [`UNAUTHORIZED_HTML`], with which any nginx answers.
    #[must_use]
    pub fn read(status: u16, body: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(body).ok()?;
        value.get("message")?.as_str()?;
        Some(Self::parse(status, body))
    }

    /// Reads an error answer. Whatever it holds, something is made of it: of an HTML page its title, of other text its
    /// beginning without control characters.
    #[must_use]
    pub fn parse(status: u16, body: &[u8]) -> Self {
        if let Ok(Value::Object(mut members)) = serde_json::from_slice::<Value>(body) {
            let code =
                members.remove("code").and_then(|code| code.as_u64()).and_then(|c| u32::try_from(c).ok());
            let message = match members.remove("message") {
                Some(Value::String(message)) => message,
                Some(other) => other.to_string(),
                None => format!("HTTP status {status}"),
            };
            return Self { status, code, message: message.into(), extra: members.into_iter().collect() };
        }
        let text = String::from_utf8_lossy(body);
        let title = text
            .split_once("<title>")
            .and_then(|(_, rest)| rest.split_once("</title>"))
            .map_or(text.trim(), |(title, _)| title.trim());
        let message: String =
            title.chars().filter(|character| !character.is_control()).take(KEPT_MESSAGE).collect();
        if message.is_empty() {
            Self::without_code(status, format!("HTTP status {status}"))
        } else {
            Self::without_code(status, message)
        }
    }
}

impl fmt::Display for AlpacaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (HTTP status {}", self.message, self.status)?;
        match self.code {
            Some(code) => write!(f, ", code {code})"),
            None => f.write_str(")"),
        }
    }
}

impl std::error::Error for AlpacaError {}

impl From<&PathFault> for AlpacaError {
    fn from(fault: &PathFault) -> Self {
        Self::invalid_request(&fault.to_string())
    }
}

impl From<&QueryFault> for AlpacaError {
    fn from(fault: &QueryFault) -> Self {
        Self::invalid_request(&fault.to_string())
    }
}

#[cfg(test)]
mod tests;
