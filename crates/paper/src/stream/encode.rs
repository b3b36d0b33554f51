//! Messages in JSON and in MessagePack, written directly: a price goes to JSON with exactly its digits.

use std::io::Write;

use jiff::Timestamp;
use rust_decimal::Decimal;

/// In which form a stream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Json,
    /// Asked for by `Content-Type: application/msgpack` in the handshake.
    MessagePack,
}

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
        Value::Time(at) => packed_time(at, out),
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

/// In 4 bytes when there are only seconds, in 8 up to the year 2514, else in 12, as the MessagePack specification has it.
fn packed_time(at: Timestamp, out: &mut Vec<u8>) {
    let seconds = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    let nanoseconds = u32::try_from(at.subsec_nanosecond().rem_euclid(1_000_000_000)).unwrap_or_default();
    let mut extension = |bytes: &[u8]| {
        drop(rmp::encode::write_ext_meta(out, length(bytes.len()), -1));
        out.extend_from_slice(bytes);
    };
    match u64::try_from(seconds) {
        Ok(whole) if whole < 1 << 34 => match u32::try_from(whole) {
            Ok(short) if nanoseconds == 0 => extension(&short.to_be_bytes()),
            _ => extension(&(u64::from(nanoseconds) << 34 | whole).to_be_bytes()),
        },
        _ => {
            let mut bytes = [0; 12];
            bytes[..4].copy_from_slice(&nanoseconds.to_be_bytes());
            bytes[4..].copy_from_slice(&seconds.to_be_bytes());
            extension(&bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

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
        ];
        write_map(Format::Json, &fields, &mut out);
        let expected = r#"{"T":"a\"b","p":0.100000001,"s":100,"i":7,"c":["@","I"],"t":"2026-06-24T14:00:00.000001Z","b":[],"r":true}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[rstest]
    #[case::seconds("1970-01-01T00:00:01Z", "d6ff00000001")]
    #[case::last_of_four_bytes("2106-02-07T06:28:15Z", "d6ffffffffff")]
    #[case::first_of_eight_bytes("2106-02-07T06:28:16Z", "d7ff0000000100000000")]
    #[case::fraction("1970-01-01T00:00:01.000000001Z", "d7ff0000000400000001")]
    #[case::last_of_eight_bytes("2514-05-30T01:53:03.999999999Z", "d7ffee6b27ffffffffff")]
    #[case::first_of_twelve_bytes("2514-05-30T01:53:04Z", "c70cff000000000000000400000000")]
    #[case::before_1970("1969-12-31T23:59:59.5Z", "c70cff1dcd6500ffffffffffffffff")]
    fn times_take_as_few_bytes_as_they_can(#[case] at: &str, #[case] expected: &str) {
        let mut out = Vec::new();
        packed(Value::Time(at.parse().unwrap()), &mut out);
        assert_eq!(hex::encode(out), expected);
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
