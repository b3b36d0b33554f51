//! `paddock paper serve`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::Date;
use paddock_core::calendar::new_york;
use paddock_paper::market::OwnBars;
use paddock_paper::{ClockMode, DateLaying};
use serde_json::json;

use super::token::{self, TokenArgs};
use crate::broker::{Broker, BrokerSettings, DEFAULT_LIVE, DEFAULT_PAPER, Strictness};
use crate::config::require_loopback;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::files::remove_if_there;
use crate::listen::ListenAddr;
use crate::signals::Ending;

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where the paper environment listens
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_PAPER)]
    listen: ListenAddr,
    /// Where the live-like environment listens
    #[arg(long, value_name = "ADDR", default_value = DEFAULT_LIVE)]
    live_listen: ListenAddr,
    /// Decides everything that is generated: same seed and inputs, same prices and fills
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How time passes: real, x60 (any number of times as fast), or step (by `paddock paper clock step`)
    #[arg(long, value_name = "real|x60|step", default_value = "real")]
    clock: Pace,
    /// When the broker's time begins: a New York date (at 09:30) or an instant [default: now]
    #[arg(long, value_name = "DATE")]
    start: Option<Start>,
    /// Hold the market open around the clock
    #[arg(long)]
    hold_open: bool,
    /// Keep the recorded prices on their own dates instead of laying them onto today's calendar
    #[arg(long)]
    as_recorded: bool,
    /// Take prices from a folder of bars, such as AAPL.1Min.csv.gz or BTC-USD.1Day.parquet; `paddock paper import` fills one
    #[arg(long, value_name = "DIR")]
    bars: Option<PathBuf>,
    #[command(flatten)]
    strictness: Strictness,
    /// Append every request and its answer to this file as a JSON line, without credentials
    #[arg(long, value_name = "FILE", env = "PADDOCK_RECORD_EXCHANGES", hide_env_values = true)]
    record_exchanges: Option<PathBuf>,
    #[command(flatten)]
    token: TokenArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace(pub(super) ClockMode);

impl FromStr for Pace {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.strip_prefix('x').map(str::parse)) {
            ("real", _) => Ok(Self(ClockMode::Real)),
            ("step", _) => Ok(Self(ClockMode::Stepped)),
            (_, Some(Ok(factor @ 1..=100_000))) => Ok(Self(ClockMode::Accelerated(factor))),
            _ => Err("time passes as `real`, `step`, or `x` and a factor from 1 to 100000"),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start(Timestamp);

impl FromStr for Start {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(instant) = text.parse() {
            return Ok(Self(instant));
        }
        let date = text.parse::<Date>().ok();
        date.and_then(|date| date.at(9, 30, 0, 0).to_zoned(new_york()).ok())
            .map(|opening| Self(opening.timestamp()))
            .ok_or("give a date such as 2026-11-20 or an instant such as 2026-11-20T14:30:00Z")
    }
}

pub(super) async fn run(args: ServeArgs, context: &Context) -> Outcome {
    let ending = Ending::on_signals()?;
    for (name, address) in [("paper broker", args.listen), ("live-like paper broker", args.live_listen)] {
        require_loopback(name, address.socket(), false).map_err(|failure| {
            Failure::usage(failure.message().to_owned())
                .hint("the paper broker is for this machine: listen on 127.0.0.1")
        })?;
    }
    let kept_in =
        context.global.data_dir.is_some().then(|| context.data_dir()).transpose()?.map(|dir| dir.paper());
    let settings = BrokerSettings {
        paper: args.listen,
        live: args.live_listen,
        paper_option: "--listen",
        live_option: "--live-listen",
        seed: args.seed,
        pace: args.clock.0,
        start: args.start.map(|start| start.0),
        hold_open: args.hold_open,
        laying: if args.as_recorded { DateLaying::AsRecorded } else { DateLaying::OntoToday },
        bars: args.bars.clone(),
        data_dir: kept_in.clone(),
        strictness: args.strictness,
        record_exchanges: args.record_exchanges,
        admin_token: token::chosen()?,
    };
    let chosen = settings.admin_token.is_some();
    let broker = Broker::start(settings).await?;
    // A token that was chosen is where it was chosen.
    let kept_token = if chosen {
        None
    } else {
        args.token.keep(context, broker.paper.port(), broker.broker.admin_token())?
    };
    let (paper, live) = (format!("http://{}", broker.paper), format!("http://{}", broker.live));
    let bars = broker.broker.market().own_bars().map(OwnBars::summary);
    let mut value = json!({
        "paper": paper,
        "live": live,
        "dashboard": format!("{paper}/dashboard"),
        "admin_token_file": kept_token.as_ref(),
    });
    if let Some(bars) = &bars {
        value["bars"] = json!(bars);
    }
    context.output.show(&value, |paint| {
        let kept = match &kept_in {
            Some(dir) => format!("accounts are kept in {}", dir.display()),
            None => "accounts are kept until it ends; `--data-dir DIR` keeps them longer".to_owned(),
        };
        let prices = bars.as_ref().map(|bars| format!("prices are from {bars}\n")).unwrap_or_default();
        let token = match &kept_token {
            Some(file) => format!("faults and halts: the admin token is in {}", file.display()),
            None => format!("faults and halts: the admin token is that of {}", token::VARIABLE),
        };
        format!(
            "{}\n  paper      {paper}\n  live-like  {live}\n  dashboard  {paper}/dashboard\n{prices}{kept}\n{token}\nnext: open the dashboard, or `paddock paper account create`. Ctrl-C ends it.",
            paint.bold("The paper broker is ready")
        )
    })?;
    ending.graceful.cancelled().await;
    broker.stop().await;
    if let Some(file) = kept_token {
        remove_if_there(&file).map_err(Failure::cannot(format!("remove {}", file.display())))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_as_it_is_said() {
        assert_eq!("real".parse(), Ok(Pace(ClockMode::Real)));
        assert_eq!("x60".parse(), Ok(Pace(ClockMode::Accelerated(60))));
        assert_eq!("step".parse(), Ok(Pace(ClockMode::Stepped)));
        for wrong in ["", "x", "x0", "x-1", "60", "Real"] {
            assert!(wrong.parse::<Pace>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_date_means_its_opening_bell() {
        assert_eq!("2026-11-20".parse(), Ok(Start("2026-11-20T14:30:00Z".parse().unwrap())));
        assert_eq!("2026-07-01".parse(), Ok(Start("2026-07-01T13:30:00Z".parse().unwrap())));
        assert!("soon".parse::<Start>().is_err());
    }
}
