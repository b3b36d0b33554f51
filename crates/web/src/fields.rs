//! The fields of a request's JSON body or form, read one by one so that every complaint can name its field, and none quotes
//! what may be a secret.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use axum::body::Body;
use axum::extract::FromRequest;
use futures_util::StreamExt as _;
use http::{Request, StatusCode, header};
use paddock_core::SecretText;
use paddock_core::money::parse_decimal;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::Value;
use zeroize::{Zeroize as _, Zeroizing};

use crate::problem::Problem;

/// The most bytes that a body may have: many times the longest scope.
const MAX_BODY_BYTES: usize = 64 * 1024;

/// The fields of a body. `null` counts as absent; an empty body has no fields.
///
/// A form has texts only: a field that was left empty counts as absent, a tick is a yes, and a list is several of one name or one
/// text with commas. What a person may write in a form and a program may not in JSON is an amount like `$1,000`.
#[derive(Default)]
pub(crate) struct Fields {
    values: BTreeMap<String, Value>,
    form: bool,
}

impl Drop for Fields {
    /// What was not taken, because something else was wrong, may be a secret.
    fn drop(&mut self) {
        for value in self.values.values_mut() {
            match value {
                Value::String(text) => text.zeroize(),
                Value::Array(items) => {
                    for item in items {
                        if let Value::String(text) = item {
                            text.zeroize();
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

/// The fields of a form (`application/x-www-form-urlencoded`), as a browser sends it.
pub(crate) struct FormFields(pub(crate) Fields);

impl FormFields {
    /// A form of these names and values, as if a browser had sent it.
    pub(crate) fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut fields = Fields { values: BTreeMap::new(), form: true };
        for (name, value) in pairs {
            fields.add(name, value);
        }
        Self(fields)
    }

    /// What was typed into the one field of that name, without spaces around it; empty when there is none.
    pub(crate) fn one(&self, name: &str) -> String {
        self.typed(name).first().map(|text| text.trim().to_owned()).unwrap_or_default()
    }

    /// Puts another text into a field, or takes the field away.
    pub(crate) fn set(&mut self, name: &str, text: Option<String>) {
        match text {
            Some(text) => _ = self.0.values.insert(name.to_owned(), Value::String(text)),
            None => _ = self.0.values.remove(name),
        }
    }

    /// What was typed into a field, as it is. Not for a field that holds a secret.
    pub(crate) fn typed(&self, name: &str) -> Vec<String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match self.0.values.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(text).collect(),
            Some(value) => text(value).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

impl fmt::Debug for FormFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Fields {
    /// Names only: the values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

impl Fields {
    fn parse(body: &[u8]) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        serde_json::from_slice(body).map_err(|error| {
            // The parser's own sentence may quote the body, so only its place and the one kind that is ours are told.
            let doubled = error.to_string().starts_with(DOUBLED);
            let what = if doubled { DOUBLED } else { "the body is no JSON object" };
            Problem::new(
                StatusCode::BAD_REQUEST,
                "malformed_body",
                "Malformed body",
                format!("{what} (line {}, column {})", error.line(), error.column()),
                "send one JSON object, each field once",
            )
        })
    }

    fn parse_form(body: &[u8]) -> Result<Self, Problem> {
        let malformed = |what| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "malformed_body",
                "Malformed body",
                what,
                "send the form from its page once more",
            )
        };
        let mut fields = Self { values: BTreeMap::new(), form: true };
        for pair in body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let mut half = || decoded(halves.next().unwrap_or_default());
            let (Some(name), Some(value)) = (half(), half()) else {
                return Err(malformed("the form cannot be read"));
            };
            fields.add(name, value);
        }
        Ok(fields)
    }

    /// One more value of a form. Several of one name are a list.
    fn add(&mut self, name: String, value: String) {
        let value = Value::String(value);
        match self.values.get_mut(&name) {
            None => _ = self.values.insert(name, value),
            Some(Value::Array(items)) => items.push(value),
            Some(first) => {
                let first_value = first.take();
                *first = Value::Array(vec![first_value, value]);
            }
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let value = self.values.remove(name).filter(|value| !value.is_null())?;
        match &value {
            Value::String(text) if self.form && text.trim().is_empty() => None,
            _ => Some(value),
        }
    }

    /// A number as it was written; in a form it may have a dollar sign before it and commas between its thousands.
    fn number_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = text.trim();
        let dollars = text.strip_prefix('$').filter(|_| self.form).unwrap_or(text);
        self.count_text(dollars)
    }

    /// The same without a dollar sign: of things that are counted.
    fn count_text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let text = text.trim();
        if self.form && has_thousands(text) { Cow::Owned(text.replace(',', "")) } else { Cow::Borrowed(text) }
    }

    /// The number that such a text of dollars is.
    pub(crate) fn read_dollars(&self, text: &str) -> Option<Decimal> {
        parse_decimal(&self.number_text(text)).ok()
    }

    /// How many of something, above zero. With a dollar sign it is no count: who writes one means something else.
    pub(crate) fn quantity(&mut self, name: &str, expected: &str) -> Result<Option<Decimal>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let quantity = parse_decimal(&self.count_text(&text)).ok().filter(|number| *number > Decimal::ZERO);
        quantity.map(Some).ok_or_else(|| Problem::field(name, expected))
    }

    /// A text, if there is one.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::field(name, "text in quotation marks")),
        }
    }

    /// A text that must be there. `expected` says what of.
    pub(crate) fn need_text(&mut self, name: &str, expected: &str) -> Result<String, Problem> {
        self.text(name)?.ok_or_else(|| Problem::missing(name, expected))
    }

    /// A secret that must be there; it is moved, not copied.
    pub(crate) fn need_secret(&mut self, name: &str, expected: &str) -> Result<SecretText, Problem> {
        self.need_text(name, expected).map(SecretText::new)
    }

    /// A secret, if there is one; it is moved, not copied.
    pub(crate) fn secret(&mut self, name: &str) -> Result<Option<SecretText>, Problem> {
        Ok(self.text(name)?.map(SecretText::new))
    }

    /// An object of fields of its own, if there is one.
    pub(crate) fn object(&mut self, name: &str) -> Result<Option<serde_json::Map<String, Value>>, Problem> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(_) => Err(Problem::field(name, "an object")),
        }
    }

    /// A yes or no; no when absent.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::String(text)) if self.form && matches!(text.as_str(), "on" | "true" | "yes") => {
                Ok(true)
            }
            Some(Value::String(text)) if self.form && matches!(text.as_str(), "off" | "false" | "no") => {
                Ok(false)
            }
            Some(_) => Err(Problem::field(name, "`true` or `false`")),
        }
    }

    /// A count from 1 up, as a number or as text.
    pub(crate) fn count(&mut self, name: &str) -> Result<Option<u32>, Problem> {
        let count = match self.take(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            Some(Value::String(text)) => self.number_text(&text).parse().ok(),
            Some(_) => None,
        };
        match count {
            Some(1..) => Ok(count),
            _ => Err(Problem::field(name, "a whole number from 1 to 4,294,967,295")),
        }
    }

    /// A whole number of a range, as a number or as text.
    pub(crate) fn within(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<u32>, Problem> {
        let number = match self.take(name) {
            None => return Ok(None),
            Some(Value::Number(number)) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            Some(Value::String(text)) => self.number_text(&text).parse().ok(),
            Some(_) => None,
        };
        match number {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let (least, most) = range.into_inner();
                Err(Problem::field(name, format!("a whole number from {least} to {most}")))
            }
        }
    }

    /// An amount of dollars above zero, as text or as a whole number. A JSON number with a point is refused, since it may have been
    /// rounded on its way here.
    pub(crate) fn dollars(&mut self, name: &str) -> Result<Option<Decimal>, Problem> {
        self.amount(name, "dollars above zero as text, for example \"1000\" or \"99.50\"")
    }

    /// An exact amount above zero of whatever `expected` says.
    pub(crate) fn amount(&mut self, name: &str, expected: &str) -> Result<Option<Decimal>, Problem> {
        let amount = match self.take(name) {
            None => return Ok(None),
            Some(Value::String(text)) => self.read_dollars(&text),
            Some(Value::Number(number)) => number.as_u64().map(Decimal::from),
            Some(_) => None,
        };
        match amount {
            Some(amount) if amount > Decimal::ZERO && amount < Decimal::from(1_000_000_000_000_000_u64) => {
                Ok(Some(amount))
            }
            _ => Err(Problem::field(name, expected)),
        }
    }

    /// A list of texts, trimmed and without empty ones. Absent and empty are different things: an empty list would allow nothing,
    /// which is never what a person means, so it is refused.
    pub(crate) fn list(&mut self, name: &str) -> Result<Option<Vec<String>>, Problem> {
        let items = match self.take(name) {
            None => return Ok(None),
            Some(value) if self.form => return form_list(name, value),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(Problem::field(name, "a list of texts")),
        };
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Value::String(text) if !text.trim().is_empty() => texts.push(text.trim().to_owned()),
                _ => return Err(Problem::field(name, "a list of texts, none of them empty")),
            }
        }
        if texts.is_empty() {
            return Err(Problem::field(name, "at least one entry; leave the field out to set no limit"));
        }
        Ok(Some(texts))
    }

    /// The fields of `base` with these over them. What is `null` here is taken away.
    pub(crate) fn over(mut self, base: serde_json::Map<String, Value>) -> Self {
        let mut values: BTreeMap<String, Value> = base.into_iter().collect();
        for (name, value) in std::mem::take(&mut self.values) {
            values.insert(name, value);
        }
        Self { values, form: self.form }
    }

    /// The same fields with one that the page itself knows. It takes the place of what was sent under that name.
    pub(crate) fn set(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.to_owned(), value.into());
        self
    }

    /// Whether the field is given, if only as `null`.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Refuses what is left. A field that is not understood must not be ignored: it may have been meant as a limit.
    pub(crate) fn finish(self, known: &[&str]) -> Result<(), Problem> {
        self.only(&[], known)
    }

    /// Refuses all fields but these. `known` is what a person is told.
    pub(crate) fn only(&self, these: &[&str], known: &[&str]) -> Result<(), Problem> {
        match self.values.keys().find(|name| !these.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "unknown_field",
                "Unknown field",
                format!("there is no field `{}` here", crate::problem::shown(name)),
                match known {
                    [] => "send an empty body".to_owned(),
                    known => format!("the fields are: {}", known.join(", ")),
                },
            )
            .with("allowed", known.to_vec())),
        }
    }
}

/// A part of a form as it was before the browser wrote it for its way here; `None` if it is no text.
fn decoded(part: &[u8]) -> Option<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(part.len()));
    let mut rest = part.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(*digit).to_digit(16));
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => *byte,
        });
    }
    // Taken, not copied: what stays behind is empty.
    String::from_utf8(std::mem::take(&mut *bytes)).ok()
}

/// Whether the commas of a number part its thousands, so that leaving them out changes nothing.
fn has_thousands(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    !fraction.contains(',')
        && (1..=3).contains(&first.len())
        && digits(first)
        && groups.all(|group| group.len() == 3 && digits(group))
}

/// The list that a form's field holds: several of one name, each one entry or more with commas, spaces or lines between them.
fn form_list(name: &str, value: Value) -> Result<Option<Vec<String>>, Problem> {
    let items = match value {
        Value::Array(items) => items,
        one => vec![one],
    };
    let texts = items.iter().filter_map(Value::as_str);
    let entries = texts.flat_map(|text| text.split(|letter: char| letter == ',' || letter.is_whitespace()));
    let list: Vec<String> = entries.filter(|entry| !entry.is_empty()).map(str::to_owned).collect();
    if list.is_empty() {
        return Err(Problem::field(name, "at least one entry; leave the field empty to set no limit"));
    }
    Ok(Some(list))
}

const DOUBLED: &str = "a field stands twice in the body";

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if fields.insert(name, value).is_some() {
                        return Err(A::Error::custom(DOUBLED));
                    }
                }
                Ok(Fields { values: fields, form: false })
            }
        }
        deserializer.deserialize_map(Map)
    }
}

impl<S: Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Problem> {
        Self::parse(&whole_body(request.into_body()).await?)
    }
}

impl<S: Sync> FromRequest<S> for FormFields {
    type Rejection = Problem;

    async fn from_request(request: Request<Body>, _: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).map(|kind| kind.trim().to_ascii_lowercase());
        if kind.is_some_and(|kind| kind != "application/x-www-form-urlencoded") {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "no_form",
                "Not a form",
                "this address takes forms as browsers send them",
                "send `application/x-www-form-urlencoded`, or use /api/v1 with JSON",
            ));
        }
        Fields::parse_form(&whole_body(request.into_body()).await?).map(Self)
    }
}

/// The body, wiped on drop.
pub(crate) async fn whole_body(body: Body) -> Result<Zeroizing<Vec<u8>>, Problem> {
    // Wiped on drop, since the body may hold a Secret Key; one allocation, so that growing leaves no copy behind.
    let mut whole = Zeroizing::new(Vec::new());
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "malformed_body",
                "Malformed body",
                "the body ended before it was whole",
                "send the request again",
            )
        })?;
        if whole.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "Body too large",
                format!("the body has more than {MAX_BODY_BYTES} bytes"),
                "send fewer or shorter fields",
            ));
        }
        if whole.capacity() == 0 {
            whole.reserve_exact(MAX_BODY_BYTES);
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn fields(json: &str) -> Fields {
        Fields::parse(json.as_bytes()).unwrap()
    }

    #[rstest]
    #[case("{")]
    #[case("[]")]
    #[case("\"secret-text\"")]
    #[case("{\"a\":\"secret-text\"} x")]
    #[case("{\"a\":\"secret-text\",\"a\":1}")]
    #[case("\u{feff}{}")]
    fn other_bodies_are_malformed_and_never_quoted(#[case] body: &str) {
        let problem = Fields::parse(body.as_bytes()).unwrap_err();
        assert_eq!(problem.code, "malformed_body");
        assert!(!problem.detail.contains("secret-text"));
    }

    #[rstest]
    #[case("\"1000\"", Some("1000"))]
    #[case("1000", Some("1000"))]
    #[case("\"99.50\"", Some("99.5"))]
    #[case("99.5", None)]
    #[case("\"1e3\"", None)]
    #[case("\"-1\"", None)]
    #[case("0", None)]
    #[case("\"0.00\"", None)]
    #[case("1000000000000000", None)]
    #[case("true", None)]
    fn dollars_are_exact_and_above_zero(#[case] json: &str, #[case] expected: Option<&str>) {
        let amount = fields(&format!("{{\"cap\":{json}}}")).dollars("cap");
        assert_eq!(amount.ok().flatten(), expected.map(|text| text.parse().unwrap()));
    }

    #[rstest]
    #[case("3", Some(3))]
    #[case("\"3\"", Some(3))]
    #[case("0", None)]
    #[case("1.5", None)]
    #[case("4294967296", None)]
    fn counts_are_whole_and_above_zero(#[case] json: &str, #[case] expected: Option<u32>) {
        assert_eq!(fields(&format!("{{\"n\":{json}}}")).count("n").ok().flatten(), expected);
    }

    #[rstest]
    #[case("[]")]
    #[case("[\"\"]")]
    #[case("[1]")]
    #[case("\"AAPL\"")]
    fn lists_hold_texts(#[case] json: &str) {
        let problem = fields(&format!("{{\"symbols\":{json}}}")).list("symbols").unwrap_err();
        assert_eq!(problem.extra["field"], "symbols");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let problem = fields("{\"max_notional\":\"1\"}").finish(&["name", "max_order_notional"]).unwrap_err();
        assert_eq!(problem.code, "unknown_field");
        assert!(problem.next_step.contains("max_order_notional"));
    }

    fn form(body: &str) -> Fields {
        Fields::parse_form(body.as_bytes()).unwrap()
    }

    #[test]
    fn a_form_is_read_as_a_browser_writes_it() {
        let mut fields = form("name=my+bot%21&note=%E2%82%AC+1&blank=&spaces=+++&tick=on&novalue");
        assert_eq!(fields.text("name").unwrap().unwrap(), "my bot!");
        assert_eq!(fields.text("note").unwrap().unwrap(), "\u{20ac} 1");
        for absent in ["blank", "spaces", "novalue", "nothing"] {
            assert_eq!(fields.text(absent).unwrap(), None, "{absent}");
        }
        assert!(fields.flag("tick").unwrap());
        assert!(fields.finish(&[]).is_ok());
    }

    #[rstest]
    #[case("a=%")]
    #[case("a=%4")]
    #[case("a=%zz")]
    #[case("a=%ff")]
    fn a_form_that_is_no_text_is_refused(#[case] body: &str) {
        assert_eq!(Fields::parse_form(body.as_bytes()).unwrap_err().code, "malformed_body");
    }

    #[test]
    fn a_doubled_field_is_a_list_and_nothing_else() {
        assert_eq!(form("a=1&a=2").list("a").unwrap().unwrap(), ["1", "2"]);
        assert_eq!(form("a=AAPL,+MSFT%0D%0AF").list("a").unwrap().unwrap(), ["AAPL", "MSFT", "F"]);
        assert_eq!(form("a=").list("a").unwrap(), None);
        assert!(form("a=,").list("a").is_err());
        assert!(form("a=1&a=2").text("a").is_err());
        assert!(form("a=1&a=2").dollars("a").is_err());
        assert!(form("a=on&a=on").flag("a").is_err());
    }

    #[rstest]
    #[case("1000", Some("1000"))]
    #[case("$1,000", Some("1000"))]
    #[case("$ 1,234,567.50", Some("1234567.5"))]
    #[case("1,5", None)]
    #[case("1.000,50", None)]
    #[case("12,34", None)]
    #[case("1,0000", None)]
    #[case(",000", None)]
    fn dollars_as_people_write_them(#[case] typed: &str, #[case] expected: Option<&str>) {
        let body = format!("cap={}", typed.replace(' ', "+").replace('$', "%24").replace(',', "%2C"));
        let amount = form(&body).dollars("cap");
        assert_eq!(amount.ok().flatten(), expected.map(|text| text.parse().unwrap()));
    }

    #[rstest]
    #[case("5", Some("5"))]
    #[case("0.25", Some("0.25"))]
    #[case("1,000", Some("1000"))]
    #[case("1,000.5", Some("1000.5"))]
    #[case("$1,000", None)]
    #[case("1,5", None)]
    #[case("0", None)]
    #[case("-1", None)]
    fn quantities_as_people_write_them(#[case] typed: &str, #[case] expected: Option<&str>) {
        let body = format!("qty={}", typed.replace('$', "%24").replace(',', "%2C"));
        let quantity = form(&body).quantity("qty", "how many");
        assert_eq!(quantity.ok().flatten(), expected.map(|text| text.parse().unwrap()));
    }

    #[test]
    fn absent_is_not_false_text() {
        let mut fields = fields("{\"a\":null,\"b\":true}");
        assert_eq!(fields.text("a").unwrap(), None);
        assert!(fields.flag("b").unwrap());
        assert!(!fields.flag("c").unwrap());
        assert!(fields.finish(&[]).is_ok());
    }
}
