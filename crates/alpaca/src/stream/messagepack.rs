//! Alpaca's stream messages in MessagePack.

use jiff::Timestamp;
use rmp::Marker;
use serde_json::{Map, Number, Value};

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

/// How deep a message may be. Alpaca's have three levels.
const DEEPEST: u32 = 16;

/// Reads a message of Alpaca's as the same in JSON: instants become text. `None` if it is none, or if anything follows it.
#[must_use]
pub fn read(mut bytes: &[u8]) -> Option<Value> {
    let value = read_value(&mut bytes, DEEPEST)?;
    bytes.is_empty().then_some(value)
}

fn read_value(rest: &mut &[u8], deepest: u32) -> Option<Value> {
    let deepest = deepest.checked_sub(1)?;
    let marker = Marker::from_u8(u8::from_be_bytes(fixed(rest)?));
    Some(match marker {
        Marker::Null => Value::Null,
        Marker::True => true.into(),
        Marker::False => false.into(),
        Marker::FixPos(number) => number.into(),
        Marker::FixNeg(number) => number.into(),
        Marker::U8 => u8::from_be_bytes(fixed(rest)?).into(),
        Marker::U16 => u16::from_be_bytes(fixed(rest)?).into(),
        Marker::U32 => u32::from_be_bytes(fixed(rest)?).into(),
        Marker::U64 => u64::from_be_bytes(fixed(rest)?).into(),
        Marker::I8 => i8::from_be_bytes(fixed(rest)?).into(),
        Marker::I16 => i16::from_be_bytes(fixed(rest)?).into(),
        Marker::I32 => i32::from_be_bytes(fixed(rest)?).into(),
        Marker::I64 => i64::from_be_bytes(fixed(rest)?).into(),
        // The shortest digits that mean this number, which are those that Alpaca began with.
        Marker::F32 => f32::from_be_bytes(fixed(rest)?).to_string().parse::<Number>().ok()?.into(),
        Marker::F64 => Number::from_f64(f64::from_be_bytes(fixed(rest)?))?.into(),
        Marker::FixArray(length) => read_array(rest, length.into(), deepest)?,
        Marker::Array16 | Marker::Array32 => {
            let length = read_length(marker, rest)?;
            read_array(rest, length, deepest)?
        }
        Marker::FixMap(length) => read_map(rest, length.into(), deepest)?,
        Marker::Map16 | Marker::Map32 => {
            let length = read_length(marker, rest)?;
            read_map(rest, length, deepest)?
        }
        Marker::FixStr(length) => read_text(rest, length.into())?.into(),
        Marker::Str8 | Marker::Str16 | Marker::Str32 => {
            let length = read_length(marker, rest)?;
            read_text(rest, length)?.into()
        }
        Marker::FixExt4 => read_time(rest, 4)?,
        Marker::FixExt8 => read_time(rest, 8)?,
        Marker::Ext8 => {
            let length = u8::from_be_bytes(fixed(rest)?);
            read_time(rest, length.into())?
        }
        // Alpaca has no use for the rest.
        _ => return None,
    })
}

/// The length after a marker that has one.
fn read_length(marker: Marker, rest: &mut &[u8]) -> Option<usize> {
    match marker {
        Marker::Str8 => Some(u8::from_be_bytes(fixed(rest)?).into()),
        Marker::Str16 | Marker::Array16 | Marker::Map16 => Some(u16::from_be_bytes(fixed(rest)?).into()),
        _ => usize::try_from(u32::from_be_bytes(fixed(rest)?)).ok(),
    }
}

fn read_array(rest: &mut &[u8], length: usize, deepest: u32) -> Option<Value> {
    // Every item has a byte at least, so that a length that is made up does not last.
    (0..length).map(|_| read_value(rest, deepest)).collect::<Option<Vec<_>>>().map(Value::Array)
}

fn read_map(rest: &mut &[u8], length: usize, deepest: u32) -> Option<Value> {
    let mut fields = Map::new();
    for _ in 0..length {
        let Value::String(name) = read_value(rest, deepest)? else { return None };
        // A field that is there twice could be read in two ways.
        if fields.insert(name, read_value(rest, deepest)?).is_some() {
            return None;
        }
    }
    Some(fields.into())
}

fn read_text<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a str> {
    std::str::from_utf8(take(rest, length)?).ok()
}

fn fixed<const LENGTH: usize>(rest: &mut &[u8]) -> Option<[u8; LENGTH]> {
    take(rest, LENGTH)?.try_into().ok()
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

/// Reads what [`write_time`] writes.
fn read_time(rest: &mut &[u8], length: usize) -> Option<Value> {
    if i8::from_be_bytes(fixed(rest)?) != -1 {
        return None;
    }
    let (seconds, nanoseconds) = match length {
        4 => (i64::from(u32::from_be_bytes(fixed(rest)?)), 0),
        8 => {
            let both = u64::from_be_bytes(fixed(rest)?);
            (i64::try_from(both & ((1 << 34) - 1)).ok()?, u32::try_from(both >> 34).ok()?)
        }
        12 => {
            let nanoseconds = u32::from_be_bytes(fixed(rest)?);
            (i64::from_be_bytes(fixed(rest)?), nanoseconds)
        }
        _ => return None,
    };
    let at = Timestamp::from_second(seconds).ok()?;
    let fraction = jiff::SignedDuration::from_nanos(i64::from(nanoseconds));
    at.checked_add(fraction).ok().map(|at| at.to_string().into())
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

    #[rstest]
    #[case::trade(json!([{"T": "t", "S": "AAPL261218C00150000", "p": 1.84, "s": 3, "x": "C", "c": "I", "t": "2026-11-20T15:00:00.123456789Z"}]))]
    #[case::quote(json!([{"T": "q", "S": "AAPL261218C00150000", "bp": 1.8, "bs": 70_000, "bx": "N", "ap": 2.0, "as": 200, "ax": "C", "c": " ", "t": "2026-11-20T15:00:00Z"}]))]
    #[case::control(json!([{"T": "success", "msg": "connected"}]))]
    #[case::long(json!([{"T": "subscription", "trades": vec!["AAPL261218C00150000"; 100], "quotes": []}]))]
    #[case::odd(json!({"none": null, "yes": true, "no": false, "less": [-1, -100, -1000, -100_000, -10_000_000_000_i64], "text": "x".repeat(300)}))]
    #[case::early(json!({"t": "1969-12-31T23:59:59.5Z"}))]
    fn what_was_written_is_read(#[case] message: Value) {
        let mut out = Vec::new();
        write(&message, &mut out);
        assert_eq!(read(&out), Some(message));
    }

    #[rstest]
    #[case::nothing("")]
    #[case::something_follows("c0c0")]
    #[case::cut_off("a5414150")]
    #[case::length_made_up("ddffffffff")]
    #[case::twice("82a161c0a161c0")]
    #[case::no_name("8101c0")]
    #[case::other_extension("d60100000001")]
    #[case::bytes("c40100")]
    #[case::not_a_number("cb7ff8000000000000")]
    #[case::not_a_text("a1ff")]
    #[case::too_deep("919191919191919191919191919191919191c0")]
    fn what_is_none_of_alpacas_is_not_read(#[case] bytes: &str) {
        assert_eq!(read(&hex::decode(bytes).unwrap()), None);
    }

    /// A float of four bytes has the digits that it was made of.
    #[test]
    fn short_floats_keep_their_digits() {
        assert_eq!(read(&hex::decode("ca3dcccccd").unwrap()), Some(json!(0.1)));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
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
