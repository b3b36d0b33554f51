//! The settings of Alpaca's clients, asked for at the server.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use paddock_web::{Client, ClientSettings, NeedsProxy, ProxySettings};
use serde_json::Value;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{authority, clock::SystemClock};

/// A client, as an option names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientArg(pub(crate) Client);

const CLIENTS: [ClientArg; Client::ALL.len()] = {
    let mut all = [ClientArg(Client::AlpacaPy); Client::ALL.len()];
    let mut position = 0;
    while position < all.len() {
        all[position] = ClientArg(Client::ALL[position]);
        position += 1;
    }
    all
};

impl ValueEnum for ClientArg {
    fn value_variants<'a>() -> &'a [Self] {
        &CLIENTS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.as_str()).help(self.0.title()))
    }
}

impl From<NeedsProxy> for Failure {
    fn from(needs: NeedsProxy) -> Self {
        Self::new(needs.to_string()).hint(
            "start the server with `paddock serve --proxy 127.0.0.1:7884`, or set `proxy` under [listen]",
        )
    }
}

/// Asks Paddock about the access key of that name.
pub(crate) async fn of(key: &str, context: &Context) -> Outcome<ClientSettings> {
    let client = context.client().await?;
    let found: Outcome<(Value, Value)> = async {
        let key = client.get(&format!("/api/v1/keys/{}", crate::api::segment(key))).await?;
        Ok((key, client.get("/api/v1/status").await?))
    }
    .await;
    client.close().await;
    let (key, status) = found?;
    if !key["scope"]["signed"].is_null() {
        return Err(Failure::refused("this access key takes signed requests only, which Alpaca's clients do not make by themselves")
            .hint("add the signer of docs/signed-requests.md to the program, or issue an access key without `--signed`"));
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let missing =
        || Failure::new("this Paddock's server answers in another form: update both to one version");
    let proxy = match text(&status["proxy"]) {
        Some(url) => {
            let dir = context.data_dir()?;
            let certificate = authority::trusted(&dir, paddock_core::Clock::now(&SystemClock))?;
            Some(ProxySettings { url, bundle: authority::write_bundle(&dir, &certificate)? })
        }
        None => None,
    };
    Ok(ClientSettings {
        key_id: text(&key["key_id"]).ok_or_else(missing)?,
        environment: serde_json::from_value(key["environment"].clone()).map_err(|_| missing())?,
        gateway: text(&status["gateway"]).ok_or_else(missing)?,
        proxy,
    })
}
