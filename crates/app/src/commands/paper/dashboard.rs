//! A client of the broker's key dashboard.

use std::time::Duration;

use clap::Args;
use paddock_core::SecretText;
use reqwest::Method;
use serde_json::Value;

use crate::failure::{Failure, Outcome};
use crate::paint::Paint;
use crate::table;

/// Where the broker is.
#[derive(Clone, Debug, Args)]
pub(crate) struct BrokerArgs {
    /// The broker's address
    #[arg(
        long,
        value_name = "URL",
        env = "PADDOCK_PAPER_URL",
        default_value = "http://127.0.0.1:7881",
        hide_env_values = true
    )]
    pub(super) url: String,
}

/// What new pairs look like.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyFormatArgs {
    /// What the new pair looks like: new (26 and 44 characters) or old (20 and 40, as before 2025)
    #[arg(long, value_name = "new|old", default_value = "new", value_parser = ["new", "old"])]
    pub(super) key_format: String,
}

/// The dashboard of a running broker.
pub(crate) struct Dashboard {
    http: reqwest::Client,
    url: String,
}

impl Dashboard {
    pub(crate) fn new(broker: &BrokerArgs) -> Outcome<Self> {
        Self::at(&broker.url)
    }

    /// The dashboard of the broker at that address.
    pub(crate) fn at(url: &str) -> Outcome<Self> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            .build()
            .map_err(Failure::cannot("set up the HTTP client"))?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned() })
    }

    /// One request; `null` when the answer has no content.
    pub(crate) async fn send(&self, method: Method, path: &str, content: Option<&Value>) -> Outcome<Value> {
        let request = self.http.request(method, format!("{}/dashboard/v1{path}", self.url));
        self.answer(
            request,
            content,
            "`paddock paper account list` and `paddock paper oauth` show what it has",
        )
        .await
    }

    /// One request to the admin interface; `null` when the answer has no content.
    pub(super) async fn administer(
        &self,
        token: &SecretText,
        method: Method,
        path: &str,
        content: Option<&Value>,
    ) -> Outcome<Value> {
        let request = self.http.request(method, format!("{}/admin/v1{path}", self.url));
        self.answer(request.bearer_auth(token.expose()), content, "see docs/paper-broker-faults.md").await
    }

    async fn answer(
        &self,
        mut request: reqwest::RequestBuilder,
        content: Option<&Value>,
        hint: &str,
    ) -> Outcome<Value> {
        if let Some(content) = content {
            request = request.json(content);
        }
        let response = request.send().await.map_err(|error| {
            let why = if error.is_connect() { "nobody answers there" } else { "no answer came" };
            Failure::new(format!("cannot reach the paper broker at {}: {why}", self.url))
                .hint("start it with `paddock paper serve`, or name its address with `--url`")
        })?;
        let status = response.status();
        let bytes =
            response.bytes().await.map_err(|_| Failure::new("the paper broker's answer was cut off"))?;
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(answer);
        }
        let said = answer["message"].as_str().map_or_else(|| format!("status {status}"), str::to_owned);
        Err(Failure::new(format!("the paper broker refused: {said}")).hint(hint))
    }

    /// The account that was named, by its number or its id; the only one there is when none was named.
    pub(super) async fn account(&self, named: Option<String>) -> Outcome<String> {
        if let Some(named) = named {
            return Ok(crate::api::segment(&named));
        }
        let listed = self.send(Method::GET, "/accounts", None).await?;
        let numbers: Vec<&str> = listed["accounts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one["account_number"].as_str())
            .collect();
        match numbers[..] {
            [only] => Ok(only.to_owned()),
            [] => Err(Failure::new("the paper broker has no accounts")
                .hint("open one with `paddock paper account create`")),
            _ => Err(Failure::usage("the paper broker has several accounts")
                .hint(format!("name one of {}", numbers.join(", ")))),
        }
    }
}

/// An account with its new pair, as text.
pub(super) fn describe_pair(said: &str, account: &Value, paint: Paint) -> String {
    let text = |name: &str| account[name].as_str().unwrap_or("unknown").to_owned();
    let rows =
        [("account", text("account_number")), ("Key ID", text("key_id")), ("Secret Key", text("secret_key"))];
    format!("{}; the Secret Key is shown this once\n{}", paint.good(said), table::pairs(rows))
}
