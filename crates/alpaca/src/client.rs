//! Asks Alpaca, or whatever stands in its place.
//!
//! Nothing is sent twice: whoever asks decides whether asking again is safe. Redirects are not followed, since the
//! credential must go nowhere but to the host that it is for.

mod bars;
mod fault;
mod oauth;
mod pacer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use jiff::civil::Date;
use paddock_core::{AssetClass, Environment, Symbol};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use bars::{BarsPage, BarsQuery};
pub use fault::{ClientError, is_clock_skew, tls_fault};
pub use oauth::Granted;
pub use pacer::{NextTurn, Pacer, Turn};

use crate::credential::{Credential, UnsendableCredential};
use crate::endpoints::Endpoints;
use crate::error::AlpacaError;
use crate::operation::{Api, Method};
use crate::order_body::{ParsedOrder, ParsedPatch};
use crate::path::{CanonicalPath, Query};
use crate::wire::activity::Transfer;
use crate::wire::history::PortfolioHistory;
use crate::wire::quotes::BidAsk;
use crate::wire::{Account, Order, Position};

/// Largest answer that is read, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// More open orders are not answered at once: whoever gets so many has perhaps not got all.
pub const MOST_ORDERS: usize = 500;

/// More transfers are not answered at once.
pub const MOST_TRANSFERS: usize = 100;

/// How many symbols are asked for at once, so that the address stays short enough for any server.
const MOST_SYMBOLS: usize = 100;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection waits for another request.
const KEPT: Duration = Duration::from_secs(20);

/// How long to wait for a whole answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// Whether requests go through the proxy that the environment names (`HTTPS_PROXY`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyUse {
    /// Straight to the host.
    #[default]
    Direct,
    /// Through the environment's proxy.
    Environment,
}

/// How the client works.
#[derive(Clone, Debug, Default)]
pub struct ClientOptions {
    /// Whether to use the environment's proxy.
    pub proxy: ProxyUse,
    /// How long to wait for a whole answer; 20 seconds when absent.
    pub timeout: Option<Duration>,
    /// Certificate authorities to trust besides the machine's own, as PEM texts.
    pub extra_roots: Vec<String>,
}

/// The client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be set up: check the machine's certificates")]
pub struct ClientSetupFault(#[source] reqwest::Error);

/// Asks Alpaca. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct AlpacaClient {
    http: Arc<RwLock<reqwest::Client>>,
    options: ClientOptions,
    endpoints: Endpoints,
}

impl AlpacaClient {
    /// A client for these addresses.
    ///
    /// # Errors
    /// [`ClientSetupFault`] when TLS cannot be set up on this machine.
    pub fn new(endpoints: Endpoints, options: &ClientOptions) -> Result<Self, ClientSetupFault> {
        let http = connections(options)?;
        Ok(Self { http: Arc::new(RwLock::new(http)), options: options.clone(), endpoints })
    }

    /// Closes the connections that wait for another request. Each has the head of its last request in its buffers, with a credential
    /// in it, which may be none any more.
    pub fn forget_connections(&self) {
        // It could be set up before, so it can be now; if not, the connections end when they have waited long enough.
        if let Ok(fresh) = connections(&self.options) {
            *self.http.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }

    fn http(&self) -> reqwest::Client {
        self.http.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The addresses that it asks.
    #[must_use]
    pub const fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Asks for one account. The result holds the credential in the clear: make it for one use and drop it.
    ///
    /// # Errors
    /// [`UnsendableCredential`] when the credential cannot be put into a header.
    pub fn with_credential(
        &self,
        environment: Environment,
        credential: &Credential,
    ) -> Result<AccountClient<'_>, UnsendableCredential> {
        Ok(AccountClient { client: self, environment, headers: credential.headers()?, pacer: None })
    }
}

/// A client without open connections.
fn connections(options: &ClientOptions) -> Result<reqwest::Client, ClientSetupFault> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("paddock/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(KEPT)
        .timeout(options.timeout.unwrap_or(ANSWER_TIMEOUT));
    if options.proxy == ProxyUse::Direct {
        builder = builder.no_proxy();
    }
    for pem in &options.extra_roots {
        let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(ClientSetupFault)?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(ClientSetupFault)
}

/// Asks Alpaca about one account.
pub struct AccountClient<'a> {
    client: &'a AlpacaClient,
    environment: Environment,
    headers: HeaderMap,
    pacer: Option<Arc<dyn Pacer>>,
}

impl std::fmt::Debug for AccountClient<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountClient").field("environment", &self.environment).finish_non_exhaustive()
    }
}

impl AccountClient<'_> {
    /// Has every request wait for its turn first.
    #[must_use]
    pub fn paced(self, pacer: Arc<dyn Pacer>) -> Self {
        Self { pacer: Some(pacer), ..self }
    }

    /// The account.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn account(&self) -> Result<Account, ClientError> {
        self.read("/v2/account", &[]).await
    }

    /// An order by Alpaca's id, with its legs.
    ///
    /// # Errors
    /// [`ClientError`]; an unknown order is [`ClientError::Api`] with status 404.
    pub async fn order(&self, id: Uuid) -> Result<Order, ClientError> {
        self.read(&format!("/v2/orders/{id}"), &[("nested", "true")]).await
    }

    /// An order by the client's own id.
    ///
    /// # Errors
    /// [`ClientError`]; an unknown order is [`ClientError::Api`] with status 404.
    pub async fn order_by_client_order_id(&self, id: &str) -> Result<Order, ClientError> {
        self.read("/v2/orders:by_client_order_id", &[("client_order_id", id)]).await
    }

    /// The open orders with their legs, at most [`MOST_ORDERS`], the newest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn open_orders(&self) -> Result<Vec<Order>, ClientError> {
        self.read("/v2/orders", &[("status", "open"), ("limit", "500"), ("nested", "true")]).await
    }

    /// The newest orders, open or ended, with their legs; at most [`MOST_ORDERS`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn recent_orders(&self, limit: usize) -> Result<Vec<Order>, ClientError> {
        let limit = limit.clamp(1, MOST_ORDERS).to_string();
        let query = [("status", "all"), ("limit", limit.as_str()), ("nested", "true"), ("direction", "desc")];
        self.read("/v2/orders", &query).await
    }

    /// What the account was worth over `period` (for example `1M`), in steps of `timeframe` (for example `1D`).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn portfolio_history(
        &self,
        period: &str,
        timeframe: &str,
    ) -> Result<PortfolioHistory, ClientError> {
        self.read("/v2/account/portfolio/history", &[("period", period), ("timeframe", timeframe)]).await
    }

    /// Money and securities that came in or left after a day, at most [`MOST_TRANSFERS`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn transfers_after(&self, day: Date) -> Result<Vec<Transfer>, ClientError> {
        // Alpaca's filter is asked for a day more than is wanted: whether it means the day's beginning or its end is not known.
        let query = [("activity_types", Transfer::TYPES), ("after", &day.to_string()), ("page_size", "100")];
        let mut transfers: Vec<Transfer> = self.read("/v2/account/activities", &query).await?;
        if transfers.len() >= MOST_TRANSFERS {
            // There may be more, which nobody has seen.
            return Err(ClientError::Unreadable);
        }
        transfers.retain(|transfer| transfer.date > day);
        Ok(transfers)
    }

    /// All positions.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn positions(&self) -> Result<Vec<Position>, ClientError> {
        self.read("/v2/positions", &[]).await
    }

    /// One position, by symbol, or by asset id in its text form.
    ///
    /// # Errors
    /// [`ClientError`]; where there is no position, [`ClientError::Api`] with status 404.
    pub async fn position(&self, symbol_or_asset_id: &str) -> Result<Position, ClientError> {
        let segment = symbol_or_asset_id.replace('/', "%2F");
        self.read(&format!("/v2/positions/{segment}"), &[]).await
    }

    /// The latest quote of a stock, an option or a crypto pair; nothing when the market has none.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn latest_quote(&self, symbol: &Symbol) -> Result<Option<BidAsk>, ClientError> {
        let quotes = self.quotes_of(symbol.class(), symbol.as_str()).await?;
        Ok(quotes.get(symbol.as_str()).map(Prices::to_bid_ask))
    }

    /// The latest quotes of many symbols; those that the market has none of are left out. One request for each class of assets.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn latest_quotes(
        &self,
        symbols: &BTreeSet<Symbol>,
    ) -> Result<BTreeMap<Symbol, BidAsk>, ClientError> {
        let mut quotes = BTreeMap::new();
        for class in [AssetClass::UsEquity, AssetClass::UsOption, AssetClass::Crypto] {
            let of_class: Vec<&Symbol> = symbols.iter().filter(|symbol| symbol.class() == class).collect();
            for some in of_class.chunks(MOST_SYMBOLS) {
                let names = some.iter().map(|symbol| symbol.as_str()).collect::<Vec<_>>().join(",");
                let prices = self.quotes_of(class, &names).await?;
                let of = |symbol: &&Symbol| {
                    prices.get(symbol.as_str()).map(|price| ((*symbol).clone(), price.to_bid_ask()))
                };
                quotes.extend(some.iter().filter_map(of));
            }
        }
        Ok(quotes)
    }

    async fn quotes_of(
        &self,
        class: AssetClass,
        names: &str,
    ) -> Result<BTreeMap<String, Prices>, ClientError> {
        let path = match class {
            AssetClass::UsEquity => "/v2/stocks/quotes/latest",
            AssetClass::UsOption => "/v1beta1/options/quotes/latest",
            AssetClass::Crypto => "/v1beta3/crypto/us/latest/quotes",
        };
        let body = self.send(Api::Data, Method::Get, path, &[("symbols", names)], None).await?;
        let LatestPrices { quotes } = read_json(&body)?;
        Ok(quotes)
    }

    /// Places an order, once. After an error other than [`ClientError::Api`] it is not known whether the broker has it: look it
    /// up by its client order id.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn place_order(&self, order: &ParsedOrder) -> Result<Order, ClientError> {
        let body = Some(order.to_json_bytes());
        let body = self.send(Api::Trading, Method::Post, "/v2/orders", &[], body).await?;
        read_json(&body)
    }

    /// Puts another order in the place of an open one, once; the answer is the new order.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn replace_order(&self, id: Uuid, patch: &ParsedPatch) -> Result<Order, ClientError> {
        let path = format!("/v2/orders/{id}");
        let body = self.send(Api::Trading, Method::Patch, &path, &[], Some(patch.to_json_bytes())).await?;
        read_json(&body)
    }

    /// Cancels an order.
    ///
    /// # Errors
    /// [`ClientError`]; an order that has ended is [`ClientError::Api`] with status 422.
    pub async fn cancel_order(&self, id: Uuid) -> Result<(), ClientError> {
        let path = format!("/v2/orders/{id}");
        self.send(Api::Trading, Method::Delete, &path, &[], None).await.map(drop)
    }

    async fn read<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, ClientError> {
        read_json(&self.send(Api::Trading, Method::Get, path, query, None).await?)
    }

    async fn send(
        &self,
        api: Api,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, ClientError> {
        let path = CanonicalPath::parse(path).map_err(|fault| ClientError::Api(AlpacaError::from(&fault)))?;
        let target = self.client.endpoints.host_of(api, self.environment).target(&path, &Query::of(query));
        let http_method = match method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Patch => http::Method::PATCH,
            Method::Delete => http::Method::DELETE,
        };
        let mut request = self.client.http().request(http_method, target).headers(self.headers.clone());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let turn = match &self.pacer {
            Some(pacer) => Some(pacer.turn(api).await?),
            None => None,
        };
        let answer = request.send().await.map_err(|error| ClientError::of(&error))?;
        if let Some(turn) = turn {
            turn.answered(answer.status(), answer.headers());
        }
        read_answer(answer, AlpacaError::read).await
    }
}

/// The body of a successful answer; all other answers are errors. `refusal` makes of status and body what was refused, or nothing where
/// the answer is not Alpaca's but that of a proxy, a captive portal or whatever else stands on the way.
async fn read_answer(
    mut answer: reqwest::Response,
    refusal: fn(u16, &[u8]) -> Option<AlpacaError>,
) -> Result<Vec<u8>, ClientError> {
    let status = answer.status();
    let retry_after = answer
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok())
        .map(Duration::from_secs);
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| ClientError::of(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(ClientError::Unreadable);
        }
        body.extend_from_slice(&chunk);
    }
    match status.as_u16() {
        200..=299 => Ok(body),
        429 => Err(ClientError::RateLimited { retry_after }),
        status @ 500.. => Err(ClientError::Server { status }),
        status => Err(refusal(status, &body).map_or(ClientError::Unreadable, ClientError::Api)),
    }
}

fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|_| ClientError::Unreadable)
}

/// The prices of a latest quote, which stocks, options and crypto have alike.
#[derive(Deserialize)]
struct Prices {
    t: jiff::Timestamp,
    #[serde(default, with = "crate::wire::decimal::number_option")]
    ap: Option<rust_decimal::Decimal>,
    #[serde(default, with = "crate::wire::decimal::number_option")]
    bp: Option<rust_decimal::Decimal>,
}

impl Prices {
    fn to_bid_ask(&self) -> BidAsk {
        BidAsk::new(self.t, self.bp, self.ap)
    }
}

#[derive(Deserialize)]
struct LatestPrices {
    quotes: BTreeMap<String, Prices>,
}
