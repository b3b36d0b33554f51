//! `paddock paper import`: a user's own history, for `paddock paper serve --bars`.
//!
//! What is fetched is cut into pieces, months of minutes or years of days, each a file of its own that appears as a whole. So
//! the folder itself says what is there, and an import that was cut off goes on where it was.

mod fetch;
mod folder;
mod pieces;

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use paddock_alpaca::client::ClientOptions;
use paddock_alpaca::endpoints::{EndpointOverrides, Endpoints};
use paddock_alpaca::{AlpacaClient, Credential};
use paddock_core::{AssetClass, Clock as _, Environment, Symbol, calendar};
use paddock_paper::market::Timeframe;
use serde_json::json;

use crate::clock::SystemClock;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::secrets;

use fetch::Fetcher;
use folder::Folder;
use pieces::{Piece, plan};

pub(crate) const AFTER_HELP: &str = "\
The folder gets a file for each symbol and month of minutes, or year of days. An import that was cut off goes on where it was when the
same command is run again; what is there is not fetched again. Prices are raw.
The Secret Key is asked for, or comes from standard input with --secret-stdin, or from APCA_API_SECRET_KEY. The Key ID
comes from --key-id, from the first line of standard input, from APCA_API_KEY_ID, or is asked for.";

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// Whose interface the history comes from
    #[arg(long, value_enum, value_name = "alpaca")]
    from: Source,
    /// Which stocks and crypto pairs, with commas between
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    symbols: Vec<Symbol>,
    /// How long the bars are: 1Min or 1Day
    #[arg(long, value_name = "1Min|1Day", default_value = "1Min", value_parser = timeframe)]
    timeframe: Timeframe,
    /// The first date
    #[arg(long, value_name = "DATE")]
    start: Date,
    /// The last date, before today [default: yesterday]
    #[arg(long, value_name = "DATE")]
    end: Option<Date>,
    /// The folder for the bars
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Where the data is: a Paddock gateway, or `https://data.alpaca.markets`
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7880")]
    url: String,
    /// The feed of stocks, such as sip or iex [default: the best that the account has]
    #[arg(long, value_name = "FEED")]
    feed: Option<String>,
    /// The Key ID of an access key, or of a key pair
    #[arg(long, value_name = "ID")]
    key_id: Option<String>,
    /// Read the Secret Key from standard input; without --key-id the Key ID is the first line
    #[arg(long)]
    secret_stdin: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Source {
    Alpaca,
}

fn timeframe(text: &str) -> Result<Timeframe, &'static str> {
    match text.parse() {
        Ok(timeframe @ (Timeframe::MINUTE | Timeframe::DAY)) => Ok(timeframe),
        _ => Err("import bars of 1Min or 1Day: the paper broker makes all others of these"),
    }
}

pub(super) async fn run(args: ImportArgs, context: &Context) -> Outcome {
    let Source::Alpaca = args.from;
    let yesterday = calendar::trading_date(SystemClock.now()).yesterday().unwrap_or(Date::MIN);
    let end = args.end.unwrap_or(yesterday);
    if end > yesterday {
        return Err(Failure::usage(format!("{end} is not over yet")).hint("end with yesterday, or earlier"));
    }
    if args.start > end {
        return Err(Failure::usage(format!("the start {} is after the end {end}", args.start))
            .hint("swap `--start` and `--end`"));
    }
    if args.start < calendar::FIRST_DATE {
        return Err(Failure::usage("no bars are kept from before 1990").hint("start later"));
    }
    if let Some(option) = args.symbols.iter().find(|symbol| symbol.class() == AssetClass::UsOption) {
        return Err(Failure::usage(format!("{option} is an option"))
            .hint("import stocks and crypto pairs: the paper broker trades no others"));
    }
    let overrides = EndpointOverrides { data: Some(args.url.clone()), ..EndpointOverrides::default() };
    let endpoints =
        Endpoints::new(&overrides).map_err(|fault| Failure::with_next_step(&fault.to_string()))?;
    let client = AlpacaClient::new(endpoints, &ClientOptions::default())
        .map_err(|fault| Failure::with_next_step(&fault.to_string()))?;
    let pair = secrets::obtain_pair(args.key_id.clone(), args.secret_stdin)?;
    let credential = Credential::KeyPair { key_id: pair.key_id, secret_key: pair.secret_key };
    // The environment is of no matter: data has one host.
    let account = client
        .with_credential(Environment::Paper, &credential)
        .map_err(|fault| Failure::usage(fault.to_string()).hint("copy the pair again"))?;

    let folder = Folder::open(&args.into)?;
    let mut steps = Vec::new();
    for symbol in &args.symbols {
        let there = folder.pieces(symbol, args.timeframe)?;
        steps.extend(
            plan(&there, args.timeframe, args.start, end)
                .into_iter()
                .map(|(piece, old)| (symbol, piece, old)),
        );
    }
    let progress = ProgressBar::new(steps.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos} of {len}  {msg}") {
        progress.set_style(style);
    }
    let fetcher =
        Fetcher { account: &account, timeframe: args.timeframe, feed: args.feed.as_deref(), url: &args.url };
    let (mut bars, files) = (0, steps.len());
    for (symbol, piece, old) in steps {
        progress.set_message(format!("{symbol} {piece}"));
        let fetched = fetcher.piece(symbol, piece).await?;
        bars += fetched.len();
        folder.put(symbol, args.timeframe, piece, &fetched, &old)?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    let value = json!({ "folder": args.into, "files": files, "bars": bars });
    context.output.show(&value, |_| {
        let into = args.into.display();
        let what = match (files, bars) {
            (0, _) => format!("everything is in {into} already"),
            (_, 0) => format!("there are no bars of that; {files} empty files in {into} say so"),
            _ => format!("fetched {bars} bars in {files} files into {into}"),
        };
        format!("{what}\nnext: `paddock paper serve --bars {into}`")
    })
}

impl std::fmt::Display for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}_{}", self.first, self.last)
    }
}
