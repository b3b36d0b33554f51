//! Bars in Parquet files, as pandas, polars and others write them.

use bytes::Bytes;
use jiff::Span;
use jiff::civil::{Date, date};
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::csv::{Field, places};
use super::error::Fault;
use super::intake::{Intake, RawBar};
use super::number::Number;
use super::stamp::Stamp;

const NANOSECONDS_IN_A_DAY: i128 = 86_400_000_000_000;

pub(super) fn read(content: Vec<u8>, intake: &mut Intake) -> Result<(), Fault> {
    let reader = SerializedFileReader::new(Bytes::from(content)).map_err(|error| unreadable(&error))?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    // What is nested has no bar's field.
    let names = schema
        .columns()
        .iter()
        .map(|column| if column.path().parts().len() == 1 { column.name() } else { "" });
    let places = places(names).map_err(Fault::whole)?;
    let mut rows_before = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(|error| unreadable(&error))?;
        let count = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut columns = Vec::with_capacity(Field::COUNT);
        for place in places {
            columns.push(match place {
                Some(place) => Some(Column::read(group.as_ref(), place, &schema.column(place), count)?),
                None => None,
            });
        }
        for row in 0..count {
            let number = rows_before + row + 1;
            take(&mut columns, row, number, intake)
                .map_err(|text| Fault { place: Some(format!("row {number}")), text })?;
        }
        rows_before += count;
    }
    Ok(())
}

fn unreadable(error: &ParquetError) -> Fault {
    Fault::whole(format!(
        "it cannot be read as Parquet ({error}): write it again, without encryption and with no other compression than snappy, zstd or gzip"
    ))
}

fn take(
    columns: &mut [Option<Column>],
    row: usize,
    number: usize,
    intake: &mut Intake,
) -> Result<(), String> {
    // Each column moves on by one cell, whether the cell is used or not.
    let cells: Vec<Option<usize>> =
        columns.iter_mut().map(|column| column.as_mut().and_then(|column| column.next(row))).collect();
    let cell = |field: Field| Some((columns[field as usize].as_ref()?, cells[field as usize]?));
    let missing =
        |field: Field| format!("the {field:?} is missing: complete the row, or take it away").to_lowercase();
    let needed = |field: Field| {
        let (column, cell) = cell(field).ok_or_else(|| missing(field))?;
        column.number(cell)
    };
    let optional = |field: Field| cell(field).map(|(column, cell)| column.number(cell)).transpose();
    let (times, time) = cell(Field::Time).ok_or_else(|| missing(Field::Time))?;
    let symbol = cell(Field::Symbol).map(|(column, cell)| column.text(cell)).transpose()?;
    let bar = RawBar {
        symbol,
        at: times.stamp(time)?,
        open: needed(Field::Open)?,
        high: needed(Field::High)?,
        low: needed(Field::Low)?,
        close: needed(Field::Close)?,
        volume: needed(Field::Volume)?,
        trades: not_a_gap(optional(Field::Trades)?),
        vwap: not_a_gap(optional(Field::Vwap)?),
    };
    intake.take(number, &bar)
}

/// pandas writes what is missing among doubles as NaN.
fn not_a_gap(number: Option<Number>) -> Option<Number> {
    number.filter(|number| !matches!(number, Number::Double(value) if value.is_nan()))
}

/// The cells of one column of one row group.
struct Column {
    values: Values,
    meaning: Meaning,
    /// For each row whether it has a value; all have one if this is empty.
    present: Vec<i16>,
    most_present: i16,
    /// The next value.
    next: usize,
}

enum Values {
    Integers(Vec<i64>),
    Doubles(Vec<f64>),
    Singles(Vec<f32>),
    Bytes(Vec<ByteArray>),
    FixedBytes(Vec<FixedLenByteArray>),
}

/// What the schema says of a column's values.
#[derive(Clone, Copy)]
enum Meaning {
    Plain,
    /// Integers with so many decimals.
    Decimal(u32),
    /// So many nanoseconds each, and whether they are instants or times of day somewhere.
    Times {
        unit: i128,
        instants: bool,
    },
    Dates,
}

impl Column {
    fn read(
        group: &dyn RowGroupReader,
        place: usize,
        descriptor: &ColumnDescriptor,
        rows: usize,
    ) -> Result<Self, Fault> {
        let name = descriptor.name();
        let mut present = Vec::new();
        let reader = group.get_column_reader(place).map_err(|error| unreadable(&error))?;
        let values = match reader {
            ColumnReader::Int32ColumnReader(reader) => {
                let values = all(reader, rows, &mut present)?;
                Values::Integers(values.into_iter().map(i64::from).collect())
            }
            ColumnReader::Int64ColumnReader(reader) => Values::Integers(all(reader, rows, &mut present)?),
            ColumnReader::DoubleColumnReader(reader) => Values::Doubles(all(reader, rows, &mut present)?),
            ColumnReader::FloatColumnReader(reader) => Values::Singles(all(reader, rows, &mut present)?),
            ColumnReader::ByteArrayColumnReader(reader) => Values::Bytes(all(reader, rows, &mut present)?),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                Values::FixedBytes(all(reader, rows, &mut present)?)
            }
            ColumnReader::BoolColumnReader(_) | ColumnReader::Int96ColumnReader(_) => {
                return Err(Fault::whole(format!(
                    "the column `{name}` is of a type that no bar has: store times as timestamps with a zone, and figures as decimals or doubles"
                )));
            }
        };
        let most_present = descriptor.max_def_level();
        Ok(Self { values, meaning: meaning(descriptor), present, most_present, next: 0 })
    }

    /// Where the value of the row is, if it has one. To be asked once for each row, in order.
    fn next(&mut self, row: usize) -> Option<usize> {
        if self.present.get(row).is_some_and(|level| *level < self.most_present) {
            return None;
        }
        self.next += 1;
        Some(self.next - 1)
    }

    fn number(&self, cell: usize) -> Result<Number<'_>, String> {
        let found = match (&self.values, self.meaning) {
            (Values::Integers(values), Meaning::Plain) => {
                values.get(cell).map(|value| Number::Scaled(i128::from(*value), 0))
            }
            (Values::Integers(values), Meaning::Decimal(scale)) => {
                values.get(cell).map(|value| Number::Scaled(i128::from(*value), scale))
            }
            (Values::Doubles(values), _) => values.get(cell).map(|value| Number::Double(*value)),
            (Values::Singles(values), _) => values.get(cell).map(|value| Number::Single(*value)),
            (Values::Bytes(values), Meaning::Decimal(scale)) => {
                scaled(values.get(cell).map(ByteArray::data), scale)
            }
            (Values::FixedBytes(values), Meaning::Decimal(scale)) => {
                scaled(values.get(cell).map(|value| value.data()), scale)
            }
            (Values::Bytes(values), _) => values.get(cell).map(|value| Number::Text(value.data())),
            _ => None,
        };
        found
            .ok_or_else(|| "a figure is no number: store figures as decimals, doubles or integers".to_owned())
    }

    fn text(&self, cell: usize) -> Result<&str, String> {
        let text = match &self.values {
            Values::Bytes(values) => {
                values.get(cell).and_then(|value| std::str::from_utf8(value.data()).ok())
            }
            _ => None,
        };
        text.ok_or_else(|| "the symbol is no text: store symbols as texts".to_owned())
    }

    fn stamp(&self, cell: usize) -> Result<Stamp, String> {
        let no_time = || {
            "its time is no time: store times as timestamps with a zone, or bars of a day as dates".to_owned()
        };
        if let Values::Bytes(_) = self.values {
            return Stamp::parse(self.text(cell)?).ok_or_else(no_time);
        }
        let Values::Integers(values) = &self.values else { return Err(no_time()) };
        let value = *values.get(cell).ok_or_else(no_time)?;
        match self.meaning {
            Meaning::Dates => date_of(value).map(Stamp::Date).ok_or_else(no_time),
            Meaning::Times { unit, instants: true } => Ok(Stamp::Nanoseconds(i128::from(value) * unit)),
            Meaning::Times { unit, instants: false } => {
                let nanoseconds = i128::from(value) * unit;
                if nanoseconds.rem_euclid(NANOSECONDS_IN_A_DAY) == 0 {
                    let days =
                        i64::try_from(nanoseconds.div_euclid(NANOSECONDS_IN_A_DAY)).map_err(|_| no_time())?;
                    return date_of(days).map(Stamp::Date).ok_or_else(no_time);
                }
                Err("its times have no zone: store them with one, in pandas with `tz_localize`".to_owned())
            }
            Meaning::Plain | Meaning::Decimal(_) => Stamp::parse(&value.to_string()).ok_or_else(no_time),
        }
    }
}

fn date_of(days: i64) -> Option<Date> {
    date(1970, 1, 1).checked_add(Span::new().try_days(days).ok()?).ok()
}

fn scaled(bytes: Option<&[u8]>, scale: u32) -> Option<Number<'static>> {
    let bytes = bytes?;
    if bytes.is_empty() || bytes.len() > 16 {
        return None;
    }
    let mut whole = [if bytes[0] & 0x80 == 0 { 0 } else { 0xff }; 16];
    whole[16 - bytes.len()..].copy_from_slice(bytes);
    Some(Number::Scaled(i128::from_be_bytes(whole), scale))
}

fn meaning(descriptor: &ColumnDescriptor) -> Meaning {
    let decimals = |scale: i32| Meaning::Decimal(u32::try_from(scale).unwrap_or(0));
    let times = |unit: i128, instants: bool| Meaning::Times { unit, instants };
    match descriptor.logical_type_ref() {
        Some(LogicalType::Decimal(decimal)) => decimals(decimal.scale),
        Some(LogicalType::Date) => Meaning::Dates,
        Some(LogicalType::Timestamp(time)) => {
            let unit = match time.unit {
                TimeUnit::MILLIS => 1_000_000,
                TimeUnit::MICROS => 1000,
                TimeUnit::NANOS => 1,
            };
            times(unit, time.is_adjusted_to_u_t_c)
        }
        _ => match descriptor.converted_type() {
            ConvertedType::DECIMAL => decimals(descriptor.type_scale()),
            ConvertedType::DATE => Meaning::Dates,
            ConvertedType::TIMESTAMP_MILLIS => times(1_000_000, true),
            ConvertedType::TIMESTAMP_MICROS => times(1000, true),
            _ => Meaning::Plain,
        },
    }
}

fn all<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    present: &mut Vec<i16>,
) -> Result<Vec<T::T>, Fault> {
    let mut values = Vec::new();
    let mut read = 0;
    while read < rows {
        let (records, ..) = reader
            .read_records(rows - read, Some(present), None, &mut values)
            .map_err(|error| unreadable(&error))?;
        if records == 0 {
            return Err(Fault::whole("it has fewer rows than it says: write it again".to_owned()));
        }
        read += records;
    }
    Ok(values)
}
