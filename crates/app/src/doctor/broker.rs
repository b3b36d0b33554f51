//! Whether Alpaca can be reached, and whether its clock and ours agree.

use std::time::Duration;

use jiff::fmt::rfc2822;
use paddock_core::{Clock as _, Environment};

use super::Checkup;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::failure::Failure;

/// How far apart the clocks may be before it is worth a look. The header has whole seconds.
const WORTH_A_LOOK: u64 = 5;
/// From here on expiries and caps of a day go wrong, and TLS may too.
const WRONG: u64 = 60;

/// Compares this machine's clock with the `Date` header of both hosts.
pub(super) async fn clocks(config: &Config) -> Vec<Checkup> {
    let mut found = Vec::new();
    for environment in [Environment::Paper, Environment::Live] {
        found.push(clock(config.endpoints.trading(environment).as_str()).await);
    }
    found
}

async fn clock(host: &str) -> Checkup {
    const NAME: &str = "alpaca";
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build();
    // Without a key the answer is a refusal, which tells the time as well as any other.
    let request = client.map(|client| client.get(format!("{}/v2/clock", host.trim_end_matches('/'))));
    let response = match request {
        Ok(request) => request.send().await,
        Err(error) => Err(error),
    };
    let response = match response {
        Ok(response) => response,
        Err(error) => {
            let why = if error.is_timeout() { "no answer in time" } else { "cannot be reached" };
            let step = "check the network and the addresses under [alpaca]; https://status.alpaca.markets tells of outages";
            return Checkup::warn(NAME, format!("{host}: {why}"), step);
        }
    };
    let told = response.headers().get("date").and_then(|value| value.to_str().ok());
    let Some(told) = told.and_then(|text| rfc2822::parse(text).ok()) else {
        return Checkup::ok(NAME, format!("{host} answers, without telling the time"));
    };
    let apart = told.timestamp().duration_until(SystemClock.now()).unsigned_abs().as_secs();
    match apart {
        0..=WORTH_A_LOOK => Checkup::ok(NAME, format!("{host} answers, and the clocks agree")),
        _ if apart < WRONG => Checkup::warn(
            NAME,
            format!("{host} answers; the clocks are {apart} s apart"),
            "turn on time synchronisation",
        ),
        _ => {
            let failure =
                Failure::new(format!("this machine's clock and that of {host} are {apart} s apart"))
                    .hint("turn on time synchronisation: expiries, daily caps and TLS depend on it");
            Checkup::fail(NAME, &failure)
        }
    }
}
