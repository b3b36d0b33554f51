//! Alpaca's stream messages in MessagePack.

use jiff::Timestamp;
use serde_json::Value;

/// The fields that hold prices: floating-point numbers, also when they are whole. The `c` of a bar is one, that of a trade or
/// quote is a list.
const PRICES: [&str; 9] = ["p", "ap", "bp", "o", "h", "l", "c", "vw", "price"];

/// The fields that hold instants.
const TIMES: [&str; 3] = ["t", "created_at", "updated_at"];

/// Writes a message that came as JSON, as Alpaca writes the same in MessagePack: maps with the same fields, prices as floating-point
/// numbers, instants in MessagePack's own form. A float is what a reader of the JSON makes of a price; nothing is computed with it.
pub fn write(message: &Value, out: &mut Vec<u8>) {
    write_field("", message, out);
}

fn write_field(name: &str, value: &Value, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    match value {
        Value::Null => drop(rmp::encode::write_nil(out)),
        Value::Bool(yes) => drop(rmp::encode::write_bool(out, *yes)),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(count), _) if !PRICES.contains(&name) => drop(rmp::encode::write_uint(out, count)),
            (_, Some(count)) if !PRICES.contains(&name) => drop(rmp::encode::write_sint(out, count)),
            _ => drop(rmp::encode::write_f64(out, number.as_f64().unwrap_or_default())),
        },
        Value::String(text) => match text.parse::<Timestamp>() {
            Ok(at) if TIMES.contains(&name) => write_time(at, out),
            _ => drop(rmp::encode::write_str(out, text)),
        },
        Value::Array(items) => {
            drop(rmp::encode::write_array_len(out, length(items.len())));
            items.iter().for_each(|item| write_field("", item, out));
        }
        Value::Object(fields) => {
            drop(rmp::encode::write_map_len(out, length(fields.len())));
            for (name, value) in fields {
                drop(rmp::encode::write_str(out, name));
                write_field(name, value, out);
            }
        }
    }
}

/// What a length is in MessagePack. No message has more than it can count.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Writes an instant as MessagePack's own timestamp, extension type -1: in 4 bytes when there are only seconds, in 8 up to the year 2514, else in 12, as the MessagePack specification has it.
pub fn write_time(at: Timestamp, out: &mut Vec<u8>) {
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
    use serde_json::json;

    use super::*;

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
        write_time(at.parse().unwrap(), &mut out);
        assert_eq!(hex::encode(out), expected);
    }

    /// Whole prices are floating-point numbers, whole sizes are integers, and the `c` of a trade is a list.
    #[test]
    fn a_trade_is_written_as_alpaca_writes_it() {
        let trade = json!({"T": "t", "S": "AAPL", "p": 2, "s": 100, "c": ["@"], "t": "1970-01-01T00:00:01Z", "u": null});
        let mut out = Vec::new();
        write(&trade, &mut out);
        let expected = [
            "87a153a44141504ca154a174",         // S, T
            "a16391a140a170cb4000000000000000", // c, p
            "a17364a174d6ff00000001a175c0",     // s, t, u
        ];
        assert_eq!(hex::encode(out), expected.concat());
    }
}
