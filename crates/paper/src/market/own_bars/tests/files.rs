//! Which files are read, and what is said of the others.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use rstest::rstest;

use super::*;

const CSV: &str = include_str!("../../../../tests/data/bars/expected.csv");

fn csv_digest() -> String {
    load(&[("AAPL.1Min.csv", CSV)]).unwrap().digest().to_owned()
}

/// The same bars as members of JSON objects, `{"t":"...","o":...}` each.
fn json_bars() -> Vec<String> {
    let names = ["t", "o", "h", "l", "c", "v", "n", "vw"];
    let object = |line: &str| {
        let fields = names.iter().zip(line.split(',')).map(|(name, value)| match *name {
            "t" => format!("\"t\":\"{value}\""),
            _ => format!("\"{name}\":{value}"),
        });
        fields.collect::<Vec<_>>().join(",")
    };
    CSV.lines().skip(1).map(object).collect()
}

#[rstest]
#[case::answer_for_one("AAPL.1Min.json", |bars: &[String]| {
    format!("{{\"bars\":[{{{}}}],\"symbol\":\"AAPL\",\"next_page_token\":null}}", bars.join("},{"))
})]
#[case::answer_for_many("all.1Min.json", |bars: &[String]| {
    format!("{{\"bars\":{{\"AAPL\":[{{{}}}],\"MSFT\":null}},\"next_page_token\":null}}", bars.join("},{"))
})]
#[case::pages_after_each_other("AAPL.1Min.json", |bars: &[String]| {
    let page = |bar: &String| format!("{{\"symbol\":\"AAPL\",\"bars\":[{{{bar}}}]}}");
    bars.iter().map(page).collect::<Vec<_>>().join("\n\n")
})]
#[case::array("AAPL.1Min.json", |bars: &[String]| format!("[{{{}}}]", bars.join("},{")))]
#[case::lines("AAPL.1Min.jsonl", |bars: &[String]| format!("{{{}}}", bars.join("}\n{")))]
#[case::stream("any.1Min.ndjson", |bars: &[String]| {
    format!("[{{\"T\":\"b\",\"S\":\"AAPL\",{}}}]", bars.join("},{\"T\":\"b\",\"S\":\"AAPL\","))
})]
fn alpacas_own_json(#[case] name: &str, #[case] write: fn(&[String]) -> String) {
    assert_eq!(load(&[(name, &write(&json_bars()))]).unwrap().digest(), csv_digest());
}

#[rstest]
#[case::other_names("t,o,h,l,c,v,n,vw", ",", false)]
#[case::capitals("Date Time,Open,High,Low,Close,Volume,Trade Count,VWAP", ",", false)]
#[case::semicolons("timestamp;open;high;low;close;volume;trade_count;vwap", ";", false)]
#[case::tabs("timestamp\topen\thigh\tlow\tclose\tvolume\ttransactions\tvwap", "\t", false)]
#[case::newest_first("timestamp,open,high,low,close,volume,trade_count,vwap", ",", true)]
fn columns_are_recognised_leniently(#[case] header: &str, #[case] separator: &str, #[case] reversed: bool) {
    let header = header.replace("Date Time", "datetime");
    let mut rows: Vec<String> = CSV.lines().skip(1).map(|line| line.replace(',', separator)).collect();
    if reversed {
        rows.reverse();
    }
    let text = format!("\u{feff}{header}\r\n{}\r\n\r\n", rows.join("\r\n"));
    assert_eq!(load(&[("AAPL.1Min.csv", &text)]).unwrap().digest(), csv_digest());
}

#[test]
fn a_column_may_say_whose_bar_it_is_and_others_are_passed_over() {
    let rows: String = CSV.lines().skip(1).map(|row| format!("\"Apple, Inc.\",AAPL,{row}\n")).collect();
    let text = format!("name,symbol,{}\n{rows}", CSV.lines().next().unwrap());
    assert_eq!(load(&[("everything.1Min.csv", &text)]).unwrap().digest(), csv_digest());
}

#[test]
fn files_may_be_many_and_compressed() {
    let (header, rows) = CSV.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    let part = |rows: &[&str]| format!("{header}\n{}\n", rows.join("\n"));
    let directory =
        folder(&[("AAPL.1Min.2024-01-03.csv", &part(&rows[4..])), ("README.md", "mine"), (".state", "x")]);
    let file = std::fs::File::create(directory.path().join("AAPL.1Min.2024-01-02.csv.gz")).unwrap();
    let mut packer = GzEncoder::new(file, Compression::default());
    packer.write_all(part(&rows[..4]).as_bytes()).unwrap();
    packer.finish().unwrap();
    let own = OwnBars::load(directory.path()).unwrap();
    assert_eq!((own.digest(), own.count()), (csv_digest().as_str(), 5));
}

#[cfg(feature = "parquet")]
#[rstest]
#[case("pandas.parquet")]
#[case("pandas-index.parquet")]
#[case("polars.parquet")]
#[case("decimals.parquet")]
fn parquet_of_pandas_polars_and_pyarrow(#[case] file: &str) {
    let directory = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bars").join(file);
    std::fs::copy(source, directory.path().join("AAPL.1Min.parquet")).unwrap();
    assert_eq!(OwnBars::load(directory.path()).unwrap().digest(), csv_digest());
}

#[cfg(feature = "parquet")]
#[test]
fn broken_parquet_is_refused() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bars/pandas.parquet");
    let whole = std::fs::read(source).unwrap();
    for length in (0..whole.len()).step_by(97) {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("AAPL.1Min.parquet"), &whole[..length]).unwrap();
        let fault = OwnBars::load(directory.path()).unwrap_err().to_string();
        assert!(fault.contains("AAPL.1Min.parquet"), "{fault}");
    }
}

const HEAD: &str = "t,o,h,l,c,v,n,vw\n2024-01-02T14:30:00Z,10,11,9,10,100,5,10\n";

#[rstest]
#[case(
    "2024-01-02T14:31:00Z,10,9.9,9,9.5,100,5,10",
    "line 3: open 10, high 9.9, low 9 and close 9.5 contradict"
)]
#[case(
    "2024-01-02T14:31:00Z,10,11,9.6,9.5,100,5,10",
    "line 3: open 10, high 11, low 9.6 and close 9.5 contradict"
)]
#[case("2024-01-02T14:31:00Z,0,11,9,10,100,5,10", "line 3: the open `0` is not a price above zero")]
#[case(
    "2024-01-02T14:31:00Z,10,11,0.00004,10,100,5,10",
    "line 3: the low `0.00004` is not a price above zero"
)]
#[case("2024-01-02T14:31:00Z,10,11,9,ten,100,5,10", "line 3: the close `ten` is not a price above zero")]
#[case("2024-01-02T14:31:00Z,10,11,9,10,-1,5,10", "line 3: the volume `-1` is not zero or above")]
#[case("2024-01-02T14:31:00Z,10,11,9,10,100,x,10", "line 3: the trade count `x`")]
#[case("2024-01-02T14:31:00Z,10,11,9,10,100,5,-10", "line 3: the vwap `-10`")]
#[case("2024-01-02T14:31:00Z,10,11,9", "line 3: the close is missing")]
#[case("2024-01-02T14:31:30Z,10,11,9,10,100,5,10", "line 3: a bar of a minute begins on a whole minute")]
#[case("2024-01-02 14:31:00,10,11,9,10,100,5,10", "line 3: `2024-01-02 14:31:00` is no time")]
#[case("2024-01-02,10,11,9,10,100,5,10", "line 3: a bar of a minute needs a time of day")]
#[case("1985-01-02T14:31:00Z,10,11,9,10,100,5,10", "line 3: its time is not from 1990 to 2099")]
#[case("2024-01-02T14:30:00Z,10,11,9,10,100,5,10", "line 3: AAPL has a bar of the same time in line 2")]
fn a_bad_bar_is_refused_with_its_place_and_the_next_step(#[case] row: &str, #[case] expected: &str) {
    let fault = load(&[("AAPL.1Min.csv", &format!("{HEAD}{row}\n"))]).unwrap_err().to_string();
    assert!(fault.contains("AAPL.1Min.csv, ") && fault.contains(expected), "{fault}");
    let (_, step) = fault.rsplit_once(": ").unwrap();
    assert!(step.len() > 8 && !step.ends_with('.'), "{fault}");
}

#[rstest]
#[case(
    "AAPL.1Day.csv",
    "date,o,h,l,c,v\n2024-01-06,1,1,1,1,1\n",
    "line 2: the stock market was shut on 2024-01-06"
)]
#[case(
    "AAPL.1Day.csv",
    "date,o,h,l,c,v\n2024-01-05T12:00:00Z,1,1,1,1,1\n",
    "stamped with its date, or with midnight"
)]
#[case("AAPL.1Min.csv", "t,o,h,l,c\n", "line 1: there is no column for volume")]
#[case("AAPL.1Min.csv", "t,o,open,h,l,c,v\n", "line 1: two columns hold the open")]
#[case(
    "AAPL.1Min.csv",
    "t,o,h,l,c,v\n2024-01-02T02:30:00Z,1,1,1,1,1\n",
    "none of its bars is inside a regular session"
)]
#[case("all.1Min.csv", "t,o,h,l,c,v\n2024-01-02T14:30:00Z,1,1,1,1,1\n", "whose bar it is")]
#[case("all.1Min.csv", "s,t,o,h,l,c,v\nfoo,2024-01-02T14:30:00Z,1,1,1,1,1\n", "`foo` is no symbol")]
#[case("AAPL.1Min.json", "{\"bars\":[", "line 1: this is not JSON")]
#[case("AAPL.1Min.json", "{\"bars\":[{\"t\":1}]}", "not what Alpaca answers")]
#[case("AAPL.1Min.json", "\n\n{}", "not what Alpaca answers")]
#[case("AAPL.1Hour.csv", "", "bars of 1Hour are not read")]
#[case("notes.txt", "", "does not end as bars do")]
#[case("AAPL.1Min.csv.gz", "no gzip", "it cannot be read")]
#[case("AAPL.1Min.csv", "t,o,h,l,c,v\n", "has no bars")]
fn a_bad_file_is_refused(#[case] name: &str, #[case] content: &str, #[case] expected: &str) {
    let good = [("MSFT.1Day.csv", "date,o,h,l,c,v\n2024-01-05,1,1,1,1,1\n"), (name, content)];
    let files = if expected == "has no bars" { &good[1..] } else { &good };
    let fault = load(files).unwrap_err().to_string();
    assert!(fault.contains(expected) && fault.contains(": "), "{fault}");
}

#[test]
fn a_folder_that_is_not_there() {
    let fault = OwnBars::load(Path::new("/nowhere/at/all")).unwrap_err().to_string();
    assert!(fault.contains("cannot read the folder of bars /nowhere/at/all"), "{fault}");
}

#[test]
fn bars_outside_regular_sessions_are_left_out_and_counted() {
    let early = "2024-01-02T13:00:00Z,9,9,9,9,100,5,9\n2024-01-06T15:00:00Z,9,9,9,9,100,5,9\n";
    let own = load(&[("AAPL.1Min.csv", &format!("{HEAD}{early}"))]).unwrap();
    assert_eq!((own.count(), own.outside_sessions()), (1, 2));
}

#[test]
fn what_is_finer_than_the_units_is_rounded_half_to_even() {
    let exact = load(&[("AAPL.1Day.csv", "date,o,h,l,c,v\n2024-01-05,1.2346,2,1,1.2344,10\n")]).unwrap();
    let finer =
        load(&[("AAPL.1Day.csv", "date,o,h,l,c,v\n2024-01-05,1.23455001,2,1,1.23445,10.4\n")]).unwrap();
    assert_eq!(exact, finer);
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,200}", rows in "([-0-9TZ:.,eE\"]{0,80}\n){0,5}") {
        for name in ["AAPL.1Min.csv", "AAPL.1Day.csv", "AAPL.1Min.json", "AAPL.1Min.parquet", "AAPL.1Min.csv.gz"] {
            let _ = load(&[(name, &text)]);
            let _ = load(&[(name, &format!("{HEADER}{rows}"))]);
        }
    }

    #[test]
    fn nearly_good_rows_make_a_bar_or_a_fault(
        time in prop_oneof![Just("2024-01-02T14:30:00Z".to_owned()), Just("2024-01-02".to_owned()), "[0-9]{8,20}"],
        figures in prop::collection::vec(prop_oneof!["[0-9]{1,25}", "[0-9]{1,3}\\.[0-9]{1,12}", "[0-9]e[0-9]{1,3}"], 7),
    ) {
        let row = format!("{HEADER}{time},{}\n", figures.join(","));
        for name in ["AAPL.1Min.csv", "AAPL.1Day.csv", "BTC-USD.1Min.csv", "BTC-USD.1Day.csv"] {
            if let Ok(own) = load(&[(name, &row)]) {
                let market = market_of(own.clone(), false);
                let symbol = own.symbols().next().unwrap().clone();
                let whole = Window { from: Timestamp::MIN, to: Timestamp::MAX, now: Timestamp::MAX };
                let days = market.bars(&symbol, crate::market::Timeframe::DAY, whole, Sort::Ascending).take(3).count();
                prop_assert!(days > 0);
                let _ = market.last_trade(&symbol, at("2030-01-02T15:00:00Z"));
            }
        }
    }
}
