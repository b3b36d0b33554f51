//! Whatever orders come in whatever order: nothing appears from nowhere and nothing is lost.

use std::collections::BTreeMap;

use paddock_core::order::{StopLoss, TakeProfit};
use proptest::prelude::*;

use super::*;
use crate::broker::activity::ActivityEvent;
use crate::broker::command::{OrderChanges, Portion};
use crate::broker::position::to_cents;

const SYMBOLS: [&str; 4] = ["AAPL", "F", "BTC/USD", "DOGE/USD"];

const LASTS: [TimeInForce; 8] = [
    TimeInForce::Day,
    TimeInForce::Day,
    TimeInForce::Gtc,
    TimeInForce::Gtc,
    TimeInForce::Ioc,
    TimeInForce::Fok,
    TimeInForce::Opg,
    TimeInForce::Cls,
];

fn side_of(buys: bool) -> Side {
    if buys { Side::Buy } else { Side::Sell }
}

/// `price` with so many thousandths more, in cents.
fn moved(price: Decimal, thousandths: i32) -> Decimal {
    let factor = Decimal::from(1000 + thousandths) / dec("1000");
    (price * factor).round_dp(2).max(dec("0.01"))
}

/// One thing that a client does, in small numbers that are made sense of when it is done.
#[derive(Clone, Debug)]
enum Act {
    Place {
        symbol: usize,
        side: Side,
        units: u32,
        dollars: bool,
        offset: Option<i32>,
        lasts: usize,
    },
    /// A stop, a stop-limit or a trailing stop, so many thousandths from the market.
    Stop {
        symbol: usize,
        side: Side,
        shares: u32,
        thousandths: i32,
        kind: usize,
    },
    /// An order with exits, so many thousandths to either side of its price.
    Family {
        symbol: usize,
        side: Side,
        shares: u32,
        profit: i32,
        loss: i32,
        class: usize,
        resting: bool,
    },
    Cancel(usize),
    Replace {
        which: usize,
        cents: i32,
    },
    /// Another quantity: so many hundredths of the old one, in whole shares.
    Resize {
        which: usize,
        percent: u32,
    },
    Trail {
        which: usize,
        thousandths: u32,
    },
    Close {
        symbol: usize,
        percent: u32,
    },
    CloseAll,
    CancelAll,
    /// So many thousand dollars.
    Reset(u32),
    Wait(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let place = (
        0..SYMBOLS.len(),
        any::<bool>(),
        1_u32..5000,
        any::<bool>(),
        prop::option::of(-200_i32..200),
        0..LASTS.len(),
    )
        .prop_map(|(symbol, buys, units, dollars, offset, lasts)| Act::Place {
            symbol,
            side: side_of(buys),
            units,
            dollars,
            offset,
            lasts,
        });
    let stop = (0..SYMBOLS.len(), any::<bool>(), 1_u32..50, -30..60_i32, 0..4_usize).prop_map(
        |(symbol, buys, shares, thousandths, kind)| Act::Stop {
            symbol,
            side: side_of(buys),
            shares,
            thousandths,
            kind,
        },
    );
    let family = (0..2_usize, any::<bool>(), 1_u32..50, -5..60_i32, -5..60_i32, 0..4_usize, any::<bool>())
        .prop_map(|(symbol, buys, shares, profit, loss, class, resting)| Act::Family {
            symbol,
            side: side_of(buys),
            shares,
            profit,
            loss,
            class,
            resting,
        });
    prop_oneof![
        6 => place,
        4 => stop,
        4 => family,
        1 => (0..8_usize).prop_map(Act::Cancel),
        1 => (0..8_usize, -100..100_i32).prop_map(|(which, cents)| Act::Replace { which, cents }),
        1 => (0..8_usize, 1..40_u32).prop_map(|(which, thousandths)| Act::Trail { which, thousandths }),
        1 => (0..SYMBOLS.len(), 1..=100_u32).prop_map(|(symbol, percent)| Act::Close { symbol, percent }),
        1 => (0..8_usize, 20..300_u32).prop_map(|(which, percent)| Act::Resize { which, percent }),
        1 => Just(Act::CloseAll),
        1 => Just(Act::CancelAll),
        1 => (1..200_u32).prop_map(Act::Reset),
        4 => (0..200_000_i64).prop_map(Act::Wait),
    ]
}

/// Where and when it happens.
#[derive(Clone, Copy, Debug)]
struct Setting {
    start: &'static str,
    recorded: bool,
    environment: Environment,
}

const SETTINGS: [Setting; 4] = [
    Setting { start: "2026-06-24T13:00:00Z", recorded: false, environment: Environment::Paper },
    Setting { start: "2026-06-24T13:00:00Z", recorded: false, environment: Environment::Live },
    // Three sessions before AAPL is split.
    Setting { start: "2005-02-23T14:00:00Z", recorded: true, environment: Environment::Live },
    // Two sessions before an ex-date of AAPL, and a week before it pays.
    Setting { start: "2012-08-07T13:00:00Z", recorded: true, environment: Environment::Paper },
];

impl Desk {
    fn in_setting(setting: Setting, in_parts: bool) -> Self {
        let Setting { start, recorded, environment } = setting;
        let desk = match recorded {
            true => Self::recorded(start, environment),
            false => Self::of(market(), start, environment),
        };
        Self { broker: desk.broker.with_partial_fills(in_parts), ..desk }
    }

    /// The command for an act, if there is something to do it to.
    fn command(&mut self, act: &Act) -> Option<Command> {
        let account = self.account;
        let id = self.id();
        let open = |desk: &Self, which: usize| desk.account().open_orders().nth(which).cloned();
        match act {
            Act::Place { symbol, side, units, dollars, offset, lasts } => {
                let text = SYMBOLS[*symbol];
                let crypto = text.contains('/');
                let price = self.quote(text).ask;
                // Thousandths of a coin worth a dollar, or tenths of a share.
                let units = Decimal::from(*units);
                let quantity = match (crypto, units % Decimal::TEN == Decimal::ZERO) {
                    (true, _) => (units / price).trunc_with_scale(9),
                    (false, true) => units / dec("100"),
                    (false, false) => (units / Decimal::TEN).trunc() + Decimal::ONE,
                };
                let amount = if *dollars { Amount::Notional(units) } else { Amount::Quantity(quantity) };
                let request = OrderRequest { amount, ..order(text, *side, "1") };
                let request = match offset {
                    Some(tenths_of_percent) => {
                        let factor = Decimal::from(1000 + tenths_of_percent / 10) / dec("1000");
                        limit(request, (price * factor).trunc_with_scale(2).max(dec("0.01")))
                    }
                    None => request,
                };
                let time_in_force = match LASTS[*lasts] {
                    TimeInForce::Ioc => TimeInForce::Ioc,
                    _ if crypto => TimeInForce::Gtc,
                    lasts => lasts,
                };
                let request = OrderRequest { time_in_force, ..request };
                Some(Command::PlaceOrder { account, order: id, request: Box::new(request), intent: None })
            }
            Act::Stop { symbol, side, shares, thousandths, kind } => {
                let text = SYMBOLS[*symbol];
                let price = self.quote(text).ask;
                let thousandths = if *side == Side::Buy { *thousandths } else { -*thousandths };
                let quantity = if text.contains('/') {
                    (Decimal::from(*shares * 20) / price).trunc_with_scale(9)
                } else {
                    Decimal::from(*shares)
                };
                let request = gtc(order(text, *side, &quantity.to_string()));
                let stop_price = Some(moved(price, thousandths));
                let request = match kind {
                    0 => OrderRequest { order_type: OrderType::Stop, stop_price, ..request },
                    1 => OrderRequest {
                        order_type: OrderType::StopLimit,
                        stop_price,
                        limit_price: Some(moved(price, thousandths / 2)),
                        ..request
                    },
                    2 => OrderRequest {
                        order_type: OrderType::TrailingStop,
                        trail_percent: Some(Decimal::new(i64::from(thousandths.abs() + 1), 1)),
                        ..request
                    },
                    _ => OrderRequest {
                        order_type: OrderType::TrailingStop,
                        trail_price: Some(moved(price, 0) / dec("50")).map(|trail| trail.round_dp(2)),
                        ..request
                    },
                };
                Some(Command::PlaceOrder { account, order: id, request: Box::new(request), intent: None })
            }
            Act::Family { symbol, side, shares, profit, loss, class, resting } => {
                let text = SYMBOLS[*symbol];
                let class = [OrderClass::Bracket, OrderClass::Oco, OrderClass::Oto, OrderClass::Oto][*class];
                let up = (*side == Side::Buy) == (class != OrderClass::Oco);
                let base = moved(self.quote(text).ask, if *resting { if up { -10 } else { 10 } } else { 0 });
                let (profit, loss) = if up { (*profit, -*loss) } else { (-*profit, *loss) };
                let request = gtc(order(text, *side, &shares.to_string()));
                let limit_price = if class == OrderClass::Oco { moved(base, profit) } else { base };
                let request = match *resting || class == OrderClass::Oco {
                    true => limit(request, limit_price),
                    false => request,
                };
                let take_profit = TakeProfit { limit_price: moved(base, profit) };
                let stop_price = moved(base, loss);
                let stop_loss = StopLoss {
                    stop_price,
                    limit_price: (shares % 3 == 0).then(|| moved(stop_price, loss / 4)),
                };
                let only_profit = class == OrderClass::Oto && shares % 2 == 0;
                let only_loss = class == OrderClass::Oto && !only_profit;
                let request = OrderRequest {
                    order_class: class,
                    take_profit: (!only_loss).then_some(take_profit),
                    stop_loss: (!only_profit).then_some(stop_loss),
                    ..request
                };
                Some(Command::PlaceOrder { account, order: id, request: Box::new(request), intent: None })
            }
            Act::Cancel(which) => {
                open(self, *which).map(|order| Command::CancelOrder { account, order: order.id })
            }
            Act::Replace { which, cents } => open(self, *which).and_then(|order| {
                let plus =
                    |price: Option<Decimal>| price.map(|price| price + Decimal::new(i64::from(*cents), 2));
                let (limit_price, stop_price) = match cents % 2 == 0 || order.request.stop_price.is_none() {
                    true => (Some(plus(order.request.limit_price)?), None),
                    false => (None, Some(plus(order.request.stop_price)?)),
                };
                let changes = OrderChanges { limit_price, stop_price, ..OrderChanges::default() };
                Some(Command::ReplaceOrder { account, order: order.id, replacement: id, changes })
            }),
            Act::Trail { which, thousandths } => open(self, *which).and_then(|order| {
                let trail = Some(Decimal::new(i64::from(*thousandths), 1));
                order.trailed.as_ref()?;
                let changes = OrderChanges { trail, ..OrderChanges::default() };
                Some(Command::ReplaceOrder { account, order: order.id, replacement: id, changes })
            }),
            Act::Close { symbol: which, percent } => Some(Command::ClosePosition {
                account,
                symbol: symbol(SYMBOLS[*which]),
                portion: Portion::Percentage(Decimal::from(*percent)),
                order: id,
            }),
            Act::Resize { which, percent } => open(self, *which).and_then(|order| {
                let part = order.quantity()? * Decimal::from(*percent) / Decimal::ONE_HUNDRED;
                let quantity = Some(part.trunc().max(Decimal::ONE));
                let changes = OrderChanges { quantity, ..OrderChanges::default() };
                Some(Command::ReplaceOrder { account, order: order.id, replacement: id, changes })
            }),
            Act::CancelAll => Some(Command::CancelAllOrders { account }),
            Act::Reset(thousands) => {
                let key = KeptKey { key_id: format!("PK{id}"), secret_sha256: String::new() };
                Some(Command::ResetAccount { account, cash: Decimal::from(*thousands * 1000), key })
            }
            Act::CloseAll => Some(Command::CloseAllPositions { account, cancel_orders: true, base: id }),
            Act::Wait(_) => None,
        }
    }

    fn run(&mut self, acts: &[Act]) -> Vec<Entry> {
        let mut entries = Vec::new();
        for act in acts {
            if let Act::Wait(seconds) = act {
                let to = self.broker.now() + jiff::SignedDuration::from_secs(*seconds);
                self.broker.advance(to);
            }
            if let Some(command) = self.command(act) {
                let at = self.broker.now();
                if let Ok(reply) = self.broker.apply(at, &command) {
                    self.check_size(&reply);
                    entries.push(Entry { at, command });
                }
            }
            self.check();
        }
        entries
    }

    /// What was just opened is never worth more than six times the account, since buying power ends at four times.
    fn check_size(&self, reply: &Reply) {
        let (Reply::Order(order) | Reply::Family { order, .. }) = reply else { return };
        if order.is_closing() {
            return;
        }
        let symbol = &order.request.symbol;
        let price = self.broker.market.last_trade(symbol, self.broker.now()).unwrap().price;
        let worth = self.account().position(symbol).value_at(price).abs();
        assert!(worth <= dec("6") * self.power().equity, "{order:?}");
    }

    /// What regulators get of each day's fills, worked out from the fills alone.
    fn regulators(&self) -> BTreeMap<jiff::civil::Date, Decimal> {
        let mut days = BTreeMap::<jiff::civil::Date, (Decimal, Decimal)>::new();
        for activity in &self.account().activities {
            let date = paddock_core::calendar::trading_date(activity.at);
            // The rates of this table begin in 2024; nothing goes to the SEC in 2026.
            if let ActivityEvent::Fill(fill) = &activity.event
                && fill.symbol.class() == paddock_core::AssetClass::UsEquity
                && date.year() == 2026
            {
                let (taf, cat) = days.entry(date).or_default();
                *cat += fill.quantity * dec("0.000046");
                if fill.side == Side::Sell {
                    *taf += (fill.quantity * dec("0.000166")).min(dec("8.30"));
                }
            }
        }
        let up = |fee: Decimal| (fee * dec("100")).ceil() / dec("100");
        days.into_iter().map(|(date, (taf, cat))| (date, up(taf) + up(cat))).collect()
    }

    /// Everything that must hold at any time.
    fn check(&self) {
        let account = self.account();
        let (mut cash, mut held) = (account.starting_cash, BTreeMap::<Symbol, Decimal>::new());
        let mut fee_of = |symbol: &Symbol, quantity: Decimal, dollars: Decimal| {
            cash -= dollars;
            *held.entry(symbol.clone()).or_default() -= quantity;
        };
        for fee in &account.accrued {
            fee_of(&fee.symbol, fee.quantity, fee.dollars);
        }
        for activity in &account.activities {
            if let ActivityEvent::CryptoFee { symbol, quantity, dollars, .. } = &activity.event {
                fee_of(symbol, *quantity, *dollars);
            }
        }
        let mut posted = BTreeMap::<jiff::civil::Date, Decimal>::new();
        for activity in &account.activities {
            match &activity.event {
                ActivityEvent::Fill(fill) => {
                    let value = to_cents(fill.quantity * fill.price);
                    let (signed, paid) = match fill.side {
                        Side::Buy => (fill.quantity, -value),
                        Side::Sell => (-fill.quantity, value),
                    };
                    cash += paid;
                    *held.entry(fill.symbol.clone()).or_default() += signed;
                }
                ActivityEvent::Split { symbol, added, ratio: (new, old), .. } => {
                    let holding = held.entry(symbol.clone()).or_default();
                    assert_eq!(*holding * new / old, *holding + *added, "a split multiplies what was held");
                    *holding += *added;
                }
                ActivityEvent::Dividend { rate, quantity, .. } => {
                    assert_eq!(activity.cash, to_cents(*rate * *quantity));
                    cash += activity.cash;
                }
                ActivityEvent::RegulatoryFee { dollars, date, .. } => {
                    assert_eq!(activity.cash, -*dollars);
                    *posted.entry(*date).or_default() += *dollars;
                    cash -= *dollars;
                }
                ActivityEvent::CryptoFee { .. } => {}
            }
        }
        if account.environment == Environment::Live {
            let today = paddock_core::calendar::trading_date(self.broker.now());
            let mut expected = self.regulators();
            let due = expected.remove(&today).unwrap_or_default();
            assert_eq!(account.day_fees.total(), due, "what accrues is for the day's fills");
            assert_eq!(posted, expected, "what was posted is for each day's fills");
        } else {
            assert!(posted.is_empty());
        }
        assert_eq!(account.cash, cash, "cash is what came in less what went out");
        held.retain(|_, quantity| !quantity.is_zero());
        let positions: BTreeMap<Symbol, Decimal> =
            account.positions.iter().map(|(symbol, position)| (symbol.clone(), position.quantity)).collect();
        assert_eq!(positions, held, "positions are what was bought less what was sold");

        let summed: Decimal = account.activities.iter().map(|activity| activity.cash).sum();
        assert_eq!(account.cash, account.starting_cash + summed, "activities sum to the account's change");
        for (symbol, quantity) in &positions {
            let of_symbol = |activity: &&crate::broker::activity::Activity| match &activity.event {
                ActivityEvent::Fill(fill) => fill.symbol == *symbol,
                ActivityEvent::Split { symbol: split, .. } => split == symbol,
                _ => false,
            };
            let came: Decimal = account.activities.iter().filter(of_symbol).map(|one| one.holding).sum();
            assert_eq!(*quantity, came, "activities sum to the holding of {symbol}");
        }
        let figures = self.power();
        let worth: Decimal = account
            .positions
            .iter()
            .map(|(symbol, position)| {
                let price = self.broker.market.last_trade(symbol, self.broker.now()).unwrap().price;
                to_cents(position.quantity * price)
            })
            .sum();
        assert_eq!(figures.equity, account.cash + worth, "equity is cash and positions");

        let (mut reserved, mut reserved_cash) = (Decimal::ZERO, Decimal::ZERO);
        let mut holds = BTreeMap::<Symbol, Decimal>::new();
        let open: Vec<&Order> = account.orders().filter(|order| order.is_open()).collect();
        for order in &open {
            let symbol = &order.request.symbol;
            *(if figures::is_marginable(symbol) { &mut reserved } else { &mut reserved_cash }) +=
                order.reserved();
            *holds.entry(symbol.clone()).or_default() += order.held_quantity();
            let side = account.open_orders_in(symbol, order.request.side);
            assert_eq!(side.filter(|other| other.id == order.id).count(), 1);
        }
        assert_eq!(
            account.reserved(),
            (reserved, reserved_cash),
            "running totals are sums over the open orders"
        );
        assert!(account.open_orders().eq(open));
        for text in SYMBOLS {
            let symbol = symbol(text);
            assert_eq!(account.held(&symbol), holds.get(&symbol).copied().unwrap_or_default());
        }

        for (symbol, position) in &account.positions {
            let held = account.held(symbol);
            assert!(held <= position.quantity.abs(), "{symbol}: {held} held of {position:?}");
            assert_eq!(position.cost.is_sign_negative(), position.is_short(), "{symbol}: {position:?}");
        }
        let crypto_short = |(symbol, position): (&Symbol, &position::Position)| {
            symbol.class() == paddock_core::AssetClass::Crypto && position.is_short()
        };
        assert!(!account.positions.iter().any(crypto_short));
        for order in account.orders() {
            let members = account.family(order).count();
            assert!(
                order.is_open() || members == 0 || order.status == paddock_alpaca::wire::OrderStatus::Filled
            );
            assert!(!order.dormant || !order.is_open() || members > 0, "an exit without an entry: {order:?}");
            assert_eq!(order.is_open() && !order.dormant, order.due_at.is_some(), "{order:?}");
            assert!(order.due_at.is_none_or(|due| due > self.broker.now()), "{order:?}");
        }
        assert_eq!(self.broker.schedule.len(), account.open_orders().filter(|order| !order.dormant).count());
    }

    fn state(&self) -> String {
        let account = self.account();
        let orders: Vec<_> = account
            .orders()
            .map(|order| (order, order.trailed_until(&self.broker.market, self.broker.now())))
            .collect();
        serde_json::to_string(&(
            orders,
            &account.activities,
            &account.positions,
            &account.marks,
            account.cash,
            (&account.day_fees, &account.dividends, &account.accrued, account.crypto_tier),
        ))
        .unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn random_order_flow_reconciles(
        acts in prop::collection::vec(act(), 1..40),
        setting in prop::sample::select(&SETTINGS),
        in_parts: bool,
    ) {
        Desk::in_setting(setting, in_parts).run(&acts);
    }

    #[test]
    fn the_same_commands_lead_to_the_same_state_however_time_passes(
        acts in prop::collection::vec(act(), 1..40),
        step in 600_i64..90_000,
        setting in prop::sample::select(&SETTINGS),
        in_parts: bool,
    ) {
        let mut desk = Desk::in_setting(setting, in_parts);
        let entries = desk.run(&acts);
        let mut again = Desk::in_setting(setting, in_parts);
        let step = jiff::SignedDuration::from_secs(step);
        for entry in &entries {
            while again.broker.now() + step < entry.at {
                let to = again.broker.now() + step;
                again.broker.advance(to);
            }
            let read: Entry = serde_json::from_str(&serde_json::to_string(entry).unwrap()).unwrap();
            prop_assert!(again.broker.apply(read.at, &read.command).is_ok());
        }
        again.broker.advance(desk.broker.now());
        prop_assert_eq!(again.state(), desk.state());
    }
}
