//! The broker as a running thing: the state machine with a clock, a journal and randomness.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use paddock_alpaca::AlpacaError;
use paddock_alpaca::oauth::OAuthScopes;
use paddock_core::{Clock, Entropy, Environment, SecretText, calendar};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::broker::day_trades;
use crate::broker::grants::{Grant, OAuthClient};
use crate::broker::{Broker, Command, Entry, Reply, Rules};
use crate::clock::{ClockMode, PaperClock};
use crate::faults::{AdminToken, Faults};
use crate::http::rate_limit::RateLimit;
use crate::http::record::{ExchangeFile, Recorder, SeenRequest};
use crate::journal::{Journal, World};
use crate::keys::{KeyFormat, KeyPair, account_number, hex_secret, sha256_hex};
use crate::market::{DateLaying, Market, MarketOptions, OwnBars};
use crate::oauth::Memory;
use crate::options::{PaperError, PaperOptions};
use crate::pages::PageMemory;
use crate::stream::Streams;

/// The built-in broker. Cheap to clone; all clones are the same broker.
#[derive(Clone, Debug)]
pub struct PaperBroker(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    market: Arc<Market>,
    clock: PaperClock,
    /// The clock on the wall, by which people and their programs wait: codes, short tokens and notices end by it.
    wall: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    journal: Option<Journal>,
    default_cash: Decimal,
    day_trade_fields: Option<bool>,
    rate_limit: RateLimit,
    recorder: Recorder,
    streams: Streams,
    oauth: Memory,
    pages: PageMemory,
    faults: Faults,
    admin_token: AdminToken,
}

#[derive(Debug)]
struct State {
    broker: Broker,
    /// The number of the last journal entry.
    entries: u64,
}

/// An account as it is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAccount {
    /// `PA` and 10 characters (paper), or 9 digits (live).
    pub account_number: String,
    /// Alpaca's account id.
    pub account_id: Uuid,
    /// The Key ID of its pair.
    pub key_id: String,
    /// The secret of its pair; it cannot be shown again.
    pub secret_key: SecretText,
}

impl PaperBroker {
    /// Starts a broker, with everything that its journal holds.
    ///
    /// # Errors
    /// [`PaperError`] when the journal cannot be used.
    pub fn open(options: PaperOptions) -> Result<Self, PaperError> {
        let exchanges = options.record_exchanges.as_deref().map(ExchangeFile::open).transpose()?;
        let recorder = Recorder::new(options.record_requests, exchanges);
        let wall = Arc::clone(&options.clock);
        let admin_token = AdminToken::chosen_or_new(options.admin_token, options.entropy.as_ref())?;
        let clock = PaperClock::new(options.clock, options.clock_mode, options.start);
        let bars = options.bars_dir.as_deref().map(OwnBars::load).transpose()?;
        let digest = bars.as_ref().map(|bars| bars.digest().to_owned());
        let market_options =
            MarketOptions { seed: options.seed, laying: options.laying, hold_open: options.hold_open };
        let market = Arc::new(Market::with_bars(market_options, bars));
        let world = World {
            version: 1,
            seed: options.seed,
            laying: match options.laying {
                DateLaying::OntoToday => "onto_today".to_owned(),
                DateLaying::AsRecorded => "as_recorded".to_owned(),
            },
            hold_open: options.hold_open,
            partial_fills: options.partial_fills,
            bars: digest,
            rules: Rules::CURRENT,
        };
        let (journal, rules, history) = match &options.data_dir {
            Some(directory) => {
                let (journal, rules, history) = Journal::open(directory, &world)?;
                (Some(journal), rules, history)
            }
            None => (None, world.rules, Vec::new()),
        };
        let begin = history.first().map_or_else(|| clock.now(), |first| first.at);
        let mut broker = Broker::new(Arc::clone(&market), begin)
            .with_rules(rules)
            .with_partial_fills(options.partial_fills);
        for (number, entry) in (1..).zip(&history) {
            broker
                .apply(entry.at, &entry.command)
                .map_err(|refusal| PaperError::Replay { number, refusal: refusal.to_string() })?;
        }
        clock.not_before(broker.now());
        // Only now: what the journal brought back was told when it happened.
        broker.listen_to_orders();
        let streams = Streams::new(options.streams, broker.now());
        Ok(Self(Arc::new(Shared {
            state: Mutex::new(State { broker, entries: 0 }),
            market,
            clock,
            wall,
            pages: PageMemory::new(options.entropy.as_ref()),
            oauth: Memory::default(),
            entropy: options.entropy,
            journal,
            default_cash: options.default_cash,
            day_trade_fields: options.day_trade_fields,
            rate_limit: RateLimit::new(options.rate_limit),
            recorder,
            streams,
            faults: Faults::new(options.seed),
            admin_token,
        })))
    }

    /// Opens an account with a pair of the new form.
    ///
    /// # Errors
    /// [`AlpacaError::internal`] when the journal cannot be written.
    pub async fn create_account(
        &self,
        environment: Environment,
        cash: Decimal,
    ) -> Result<NewAccount, AlpacaError> {
        self.open_account(environment, cash, KeyFormat::New).await
    }

    /// Opens an account with a pair of either form.
    ///
    /// # Errors
    /// [`AlpacaError::internal`] when the journal cannot be written.
    pub async fn open_account(
        &self,
        environment: Environment,
        cash: Decimal,
        format: KeyFormat,
    ) -> Result<NewAccount, AlpacaError> {
        let entropy = self.0.entropy.as_ref();
        let pair = KeyPair::generate(environment, format, entropy);
        let number = account_number(environment, entropy);
        let account = self.new_id();
        let key = pair.kept();
        let command = Command::CreateAccount { account, environment, number: number.clone(), cash, key };
        self.execute(command).await?;
        Ok(handed_out(number, account, pair))
    }

    /// Gives an account a new pair; the old one is dead when this returns, and no instant passes in which both or neither
    /// would open the account.
    ///
    /// # Errors
    /// Status 404 when there is no such account.
    pub async fn regenerate_key(&self, account: Uuid) -> Result<NewAccount, AlpacaError> {
        self.regenerate_key_as(account, KeyFormat::New).await
    }

    /// The same, with a pair of either form.
    ///
    /// # Errors
    /// Status 404 when there is no such account.
    pub async fn regenerate_key_as(
        &self,
        account: Uuid,
        format: KeyFormat,
    ) -> Result<NewAccount, AlpacaError> {
        let (number, pair) = self.prepare_pair(account, format)?;
        self.execute(Command::IssueKey { account, key: pair.kept() }).await?;
        Ok(handed_out(number, account, pair))
    }

    /// Takes an account's pair away.
    ///
    /// # Errors
    /// Status 404 when there is no such account.
    pub async fn revoke_key(&self, account: Uuid) -> Result<(), AlpacaError> {
        self.execute(Command::RevokeKey { account }).await.map(|_| ())
    }

    /// Starts an account anew with `cash` dollars. This also changes its pair, as it did at Alpaca.
    ///
    /// # Errors
    /// Status 404 when there is no such account.
    pub async fn reset_account(&self, account: Uuid, cash: Decimal) -> Result<NewAccount, AlpacaError> {
        self.reset_account_as(account, cash, KeyFormat::New).await
    }

    /// The same, with a pair of either form.
    ///
    /// # Errors
    /// Status 404 when there is no such account.
    pub async fn reset_account_as(
        &self,
        account: Uuid,
        cash: Decimal,
        format: KeyFormat,
    ) -> Result<NewAccount, AlpacaError> {
        let (number, pair) = self.prepare_pair(account, format)?;
        self.execute(Command::ResetAccount { account, cash, key: pair.kept() }).await?;
        Ok(handed_out(number, account, pair))
    }

    /// Takes an account away: its pair and its tokens are dead and its streams are closed when this returns.
    ///
    /// # Errors
    /// Status 404 when there is no such account.
    pub async fn delete_account(&self, account: Uuid) -> Result<(), AlpacaError> {
        self.execute(Command::DeleteAccount { account }).await.map(|_| ())
    }

    /// Registers a program that may ask people for access, and tells its secret.
    ///
    /// # Errors
    /// [`AlpacaError::internal`] when the journal cannot be written.
    pub async fn register_oauth_client(
        &self,
        name: String,
        redirect_uris: Vec<String>,
    ) -> Result<(String, SecretText), AlpacaError> {
        let client_id = hex_secret(32, self.0.entropy.as_ref()).expose().to_owned();
        let secret = hex_secret(40, self.0.entropy.as_ref());
        let secret_sha256 = sha256_hex(secret.expose());
        let client = OAuthClient { client_id: client_id.clone(), name, redirect_uris, secret_sha256 };
        self.execute(Command::RegisterOAuthClient { client }).await?;
        Ok((client_id, secret))
    }

    /// Gives a program another secret, and tells it; tokens that people granted stay good.
    ///
    /// # Errors
    /// Status 404 when there is no such program.
    pub(crate) async fn rotate_oauth_secret(&self, client_id: String) -> Result<SecretText, AlpacaError> {
        let secret = hex_secret(40, self.0.entropy.as_ref());
        let secret_sha256 = sha256_hex(secret.expose());
        self.execute(Command::SetOAuthClientSecret { client_id, secret_sha256 }).await?;
        Ok(secret)
    }

    /// Makes the token of a grant, and tells it.
    ///
    /// # Errors
    /// Status 404 when the program or one of the accounts is gone.
    pub async fn grant_oauth(
        &self,
        grant: Uuid,
        client_id: String,
        accounts: Vec<Uuid>,
        scopes: OAuthScopes,
    ) -> Result<SecretText, AlpacaError> {
        let token = SecretText::new(self.new_id().to_string());
        let token_sha256 = sha256_hex(token.expose());
        let grant = Grant { id: grant, client_id, accounts, scopes, token_sha256 };
        self.execute(Command::GrantOAuth { grant }).await?;
        Ok(token)
    }

    /// Moves the clock forwards and tells the new instant; what is due until then has happened when this returns.
    ///
    /// # Errors
    /// [`AlpacaError::internal`] when the journal cannot be written.
    pub async fn step_clock(&self, by: SignedDuration) -> Result<Timestamp, AlpacaError> {
        let now = self.0.clock.step(by);
        self.execute(Command::PassTime).await?;
        Ok(now)
    }

    /// Moves the clock forwards to an instant; what is due until then has happened when this returns.
    ///
    /// # Errors
    /// Status 422 when the instant has passed, [`AlpacaError::internal`] when the journal cannot be written.
    pub async fn jump_clock(&self, to: Timestamp) -> Result<(), AlpacaError> {
        if !self.0.clock.not_before(to) && to < self.now() {
            let now = self.now();
            let message = format!("time does not run backwards: it is {now}, and {to} has passed");
            return Err(AlpacaError::invalid_field(message));
        }
        self.execute(Command::PassTime).await.map(|_| ())
    }

    /// Lets time pass in another way from now on. A broker that comes back from its journal passes time as its options say.
    ///
    /// # Errors
    /// [`AlpacaError::internal`] when the journal cannot be written.
    pub async fn set_clock_mode(&self, mode: ClockMode) -> Result<(), AlpacaError> {
        self.0.clock.set_mode(mode);
        self.execute(Command::PassTime).await.map(|_| ())
    }

    /// Lets what is due happen. Requests do so too; between them a timer does.
    pub fn advance(&self) {
        let mut state = self.lock();
        let now = self.0.clock.now();
        state.broker.advance(now);
        self.tell(&mut state);
    }

    /// The requests that were received on Alpaca's paths, oldest first; empty unless the options ask for it.
    #[must_use]
    pub fn requests_seen(&self) -> Vec<SeenRequest> {
        self.0.recorder.seen()
    }

    /// The market that it trades in.
    #[must_use]
    pub fn market(&self) -> &Arc<Market> {
        &self.0.market
    }

    /// The broker's present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// The token that opens `/admin/v1`.
    #[must_use]
    pub fn admin_token(&self) -> &SecretText {
        self.0.admin_token.text()
    }

    pub(crate) fn admin_token_is(&self, offered: &SecretText) -> bool {
        self.0.admin_token.is(offered)
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(crate) fn clock(&self) -> &PaperClock {
        &self.0.clock
    }

    pub(crate) fn default_cash(&self) -> Decimal {
        self.0.default_cash
    }

    /// Whether accounts and configurations have their fields on day trades.
    pub(crate) fn shows_day_trades(&self) -> bool {
        let by_date = || calendar::trading_date(self.0.clock.now()) < day_trades::FIELDS_UNTIL;
        self.0.day_trade_fields.unwrap_or_else(by_date)
    }

    pub(crate) fn rate_limit(&self) -> &RateLimit {
        &self.0.rate_limit
    }

    pub(crate) fn recorder(&self) -> &Recorder {
        &self.0.recorder
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        self.0.entropy.as_ref()
    }

    /// A new random id, a UUID version 4 as Alpaca's are.
    pub(crate) fn new_id(&self) -> Uuid {
        let mut bytes = [0_u8; 16];
        self.0.entropy.fill(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// Gives a command now, and returns when it is durable.
    pub(crate) async fn execute(&self, command: Command) -> Result<Reply, AlpacaError> {
        let (reply, number) = {
            let mut state = self.lock();
            let at = self.0.clock.now().max(state.broker.now());
            let outcome = state.broker.apply(at, &command);
            if outcome.is_ok() {
                state.entries += 1;
            }
            self.tell(&mut state);
            let reply = outcome?;
            if command.takes_access_away() {
                self.0.streams.keys_changed();
            }
            let number = state.entries;
            if let Some(journal) = &self.0.journal {
                // Under the lock, so that the journal has the order of the commands.
                journal.append(number, &Entry { at, command });
            }
            (reply, number)
        };
        self.durable(number).await?;
        Ok(reply)
    }

    /// Looks at the state of now, and returns when all that led to it is durable: what was shown is never taken back.
    pub(crate) async fn view<T>(&self, look: impl FnOnce(&Broker) -> T) -> Result<T, AlpacaError> {
        let (seen, number) = {
            let mut state = self.lock();
            let now = self.0.clock.now();
            state.broker.advance(now);
            self.tell(&mut state);
            (look(&state.broker), state.entries)
        };
        self.durable(number).await?;
        Ok(seen)
    }

    /// Looks at the state as it is, without letting time pass or waiting for the disk: for what decides who is let in.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Broker) -> T) -> T {
        look(&self.lock().broker)
    }

    /// The time on the wall, which may differ from the broker's.
    pub(crate) fn wall_now(&self) -> Timestamp {
        self.0.wall.now()
    }

    /// What is waited for in OAuth.
    pub(crate) fn oauth_memory(&self) -> &Memory {
        &self.0.oauth
    }

    /// What the pages remember.
    pub(crate) fn page_memory(&self) -> &PageMemory {
        &self.0.pages
    }

    pub(crate) fn streams(&self) -> &Streams {
        &self.0.streams
    }

    /// Tells what has just happened to who listens, and how late it is.
    fn tell(&self, state: &mut State) {
        let events = state.broker.take_order_events();
        if !events.is_empty() {
            self.0.streams.orders.tell(events, state.entries);
        }
        self.0.streams.time_is(state.broker.now());
    }

    /// Returns when the journal's entry with that number is on disk.
    pub(crate) async fn durable(&self, number: u64) -> Result<(), AlpacaError> {
        match &self.0.journal {
            Some(journal) => journal.durable(number).await.map_err(|_| AlpacaError::internal()),
            None => Ok(()),
        }
    }

    fn prepare_pair(&self, account: Uuid, format: KeyFormat) -> Result<(String, KeyPair), AlpacaError> {
        let state = self.lock();
        let account = state
            .broker
            .account(account)
            .ok_or_else(|| AlpacaError::new(404, 40_410_000, "account not found"))?;
        let pair = KeyPair::generate(account.environment, format, self.0.entropy.as_ref());
        Ok((account.number.clone(), pair))
    }

    /// A panic while the lock was held would have left the state half-changed; there is none that is known of, and going on
    /// is better than stopping every test that shares the broker.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn handed_out(account_number: String, account_id: Uuid, pair: KeyPair) -> NewAccount {
    NewAccount { account_number, account_id, key_id: pair.key_id, secret_key: pair.secret_key }
}
