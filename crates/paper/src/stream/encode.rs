//! Messages in JSON and in MessagePack, written directly: a price goes to JSON with exactly its digits.

use std::io::Write;

use jiff::Timestamp;
pub(crate) use paddock_alpaca::stream::Format;
use paddock_alpaca::stream::messagepack::write_time;
use rust_decimal::Decimal;

/// The value of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    /// A list of texts.
    Texts(&'a [&'a str]),
    /// A floating-point number in MessagePack.
    Price(Decimal),
    /// An unsigned integer in MessagePack if it is whole, else as a price.
    Units(Decimal),
    Count(u64),
    Yes,
    /// `null`.
    Nothing,
    /// MessagePack's own timestamp, extension type -1.
    Time(Timestamp),
    /// Price and size, as maps with `p` and `s`.
    Levels(&'a [(Decimal, Decimal)]),
}

/// Writes a map with these fields, in this order.
pub(crate) fn write_map(format: Format, fields: &[(&str, Value<'_>)], out: &mut Vec<u8>) {
    match format {
        Format::Json => json_map(fields, out),
        Format::MessagePack => {
            // Writing to a Vec cannot fail.
            let _ = rmp::encode::write_map_len(out, length(fields.len()));
            for (name, value) in fields {
                let _ = rmp::encode::write_str(out, name);
                packed(*value, out);
            }
        }
    }
}

/// An array of maps that were written before.
pub(crate) fn array<'a>(format: Format, count: usize, items: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    match format {
        Format::Json => {
            out.push(b'[');
            for (number, item) in items.enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(item);
            }
            out.push(b']');
        }
        Format::MessagePack => {
            let _ = rmp::encode::write_array_len(&mut out, length(count));
            items.for_each(|item| out.extend_from_slice(item));
        }
    }
    out
}

fn length(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn json_map(fields: &[(&str, Value<'_>)], out: &mut Vec<u8>) {
    for (number, (name, value)) in fields.iter().enumerate() {
        out.push(if number == 0 { b'{' } else { b',' });
        json_text(name, out);
        out.push(b':');
        json(*value, out);
    }
    out.push(b'}');
}

fn json(value: Value<'_>, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = match value {
        Value::Text(text) => {
            json_text(text, out);
            Ok(())
        }
        Value::Texts(texts) => {
            json_list(texts, out, |text, out| json_text(text, out));
            Ok(())
        }
        Value::Price(number) | Value::Units(number) => write!(out, "{}", number.normalize()),
        Value::Count(count) => write!(out, "{count}"),
        Value::Yes => out.write_all(b"true"),
        Value::Nothing => out.write_all(b"null"),
        Value::Time(at) => write!(out, "\"{at}\""),
        Value::Levels(levels) => {
            json_list(levels, out, |(price, size), out| {
                json_map(&[("p", Value::Price(*price)), ("s", Value::Price(*size))], out);
            });
            Ok(())
        }
    };
}

fn json_list<T>(items: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn json_text(text: &str, out: &mut Vec<u8>) {
    // A text always has a JSON form, and writing to a Vec cannot fail.
    let _ = serde_json::to_writer(out, text);
}

fn packed(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Text(text) => drop(rmp::encode::write_str(out, text)),
        Value::Texts(texts) => {
            drop(rmp::encode::write_array_len(out, length(texts.len())));
            texts.iter().for_each(|text| packed(Value::Text(text), out));
        }
        Value::Price(number) => drop(rmp::encode::write_f64(out, nearest_float(number))),
        Value::Units(number) => match u64::try_from(number) {
            Ok(units) if number.fract().is_zero() => packed(Value::Count(units), out),
            _ => packed(Value::Price(number), out),
        },
        Value::Count(count) => drop(rmp::encode::write_uint(out, count)),
        Value::Yes => drop(rmp::encode::write_bool(out, true)),
        Value::Nothing => drop(rmp::encode::write_nil(out)),
        Value::Time(at) => write_time(at, out),
        Value::Levels(levels) => {
            drop(rmp::encode::write_array_len(out, length(levels.len())));
            for (price, size) in levels {
                let level = [("p", Value::Price(*price)), ("s", Value::Price(*size))];
                write_map(Format::MessagePack, &level, out);
            }
        }
    }
}

/// The floating-point number that is nearest, which is what a client gets that reads the JSON. Nothing is computed with it.
fn nearest_float(number: Decimal) -> f64 {
    number.to_string().parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {

    use super::*;

    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn json_has_the_exact_digits() {
        let mut out = Vec::new();
        let fields = [
            ("T", Value::Text("a\"b")),
            ("p", Value::Price(dec("0.100000001"))),
            ("s", Value::Units(dec("100.00"))),
            ("i", Value::Count(7)),
            ("c", Value::Texts(&["@", "I"])),
            ("t", Value::Time("2026-06-24T14:00:00.000001Z".parse().unwrap())),
            ("b", Value::Levels(&[])),
            ("r", Value::Yes),
            ("u", Value::Nothing),
        ];
        write_map(Format::Json, &fields, &mut out);
        let expected = r#"{"T":"a\"b","p":0.100000001,"s":100,"i":7,"c":["@","I"],"t":"2026-06-24T14:00:00.000001Z","b":[],"r":true,"u":null}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn whole_units_are_integers_and_prices_are_floats() {
        let mut out = Vec::new();
        packed(Value::Units(dec("100.0")), &mut out);
        packed(Value::Units(dec("0.5")), &mut out);
        packed(Value::Price(dec("2")), &mut out);
        assert_eq!(hex::encode(out), "64cb3fe0000000000000cb4000000000000000");
    }
}
