//! One day through the broker and through a second one, which is naive on purpose: after every step of a random day both must
//! show the same account, to the cent.

mod naive;

use paddock_alpaca::wire::{OrderStatus, PositionIntent};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rstest::rstest;

use super::*;
use naive::{Naive, NaiveFigures, State, cents};

const SYMBOLS: [&str; 4] = ["AAPL", "F", "BTC/USD", "DOGE/USD"];
/// A Wednesday, half an hour before the opening in New York.
const MORNING: &str = "2026-06-24T13:00:00Z";
const STEPS: usize = 400;

struct Day {
    desk: Desk,
    naive: Naive,
    rng: ChaCha8Rng,
}

impl Day {
    fn new(seed: u64, environment: Environment, cash: &str) -> Self {
        let desk = Desk::with(market(), MORNING, environment, cash);
        let symbols = SYMBOLS.iter().map(|text| symbol(text)).collect();
        let live = environment == Environment::Live;
        let naive = Naive::new(Arc::clone(&desk.broker.market), at(MORNING), live, dec(cash), symbols);
        Self { desk, naive, rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    fn below(&mut self, count: u32) -> u32 {
        self.rng.next_u32() % count
    }

    /// Something that a client could do, done to both.
    fn step(&mut self) {
        match self.below(10) {
            0..6 => self.place(),
            6 => self.cancel(),
            _ => {
                let seconds = i64::from(self.below(400));
                self.wait(self.naive.now + jiff::SignedDuration::from_secs(seconds));
            }
        }
    }

    fn place(&mut self) {
        let text = SYMBOLS[self.below(4) as usize];
        let quote = self.desk.quote(text);
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let equity = self.desk.power().equity;
        // From a thousandth of the account to nearly half of it.
        let dollars = equity * Decimal::from(1 + self.below(400)) / dec("1000");
        let held = self.desk.account().position(&symbol(text)).quantity.abs();
        let units = match (self.below(4), held.is_zero()) {
            (0, false) => held,
            (1, false) => held / Decimal::TWO,
            _ => dollars / quote.ask,
        };
        let whole = text == "AAPL" || text == "F";
        let places = match (whole, self.below(4)) {
            (false, _) => 9,
            (true, 0) => 2,
            (true, _) => 0,
        };
        let quantity = units.trunc_with_scale(places).max(if whole { Decimal::ONE } else { dec("0.000001") });
        let tenths = Decimal::from(self.below(30)) - dec("15");
        let away = (quote.bid * (Decimal::ONE + tenths / dec("2000"))).round_dp(2).max(dec("0.01"));
        let request = order(text, side, &quantity.normalize().to_string());
        // Crypto has no stop orders, and fractions of shares have them too.
        let (limit_price, stop_price) = match self.below(3) {
            0 => (Some(away), None),
            1 if whole => (None, Some(away)),
            _ => (None, None),
        };
        // Most stops are on their own side of the market.
        let beyond = (quote.bid * tenths.abs() / dec("5000") + dec("0.01")).round_dp(2);
        let stop_price = match (stop_price, self.below(5)) {
            (None, _) | (_, 0) => stop_price,
            (Some(_), _) if side == Side::Buy => Some(quote.ask.round_dp(2) + beyond),
            (Some(_), _) => Some((quote.bid.round_dp(2) - beyond).max(dec("0.01"))),
        };
        let order_type = match (limit_price, stop_price) {
            (Some(_), _) => OrderType::Limit,
            (_, Some(_)) => OrderType::Stop,
            _ => OrderType::Market,
        };
        let request = OrderRequest { order_type, limit_price, stop_price, ..request };
        let taken = self.desk.place(request);
        let id = Uuid::from_u128(self.desk.ids);
        let order = Naive::order(id, symbol(text), side, quantity.normalize(), limit_price, stop_price);
        let shown = format!("{order:?}");
        let naive = self.naive.place(order);
        assert_eq!(taken.is_ok(), naive, "{shown} {taken:?}");
    }

    fn cancel(&mut self) {
        let Some(order) = self.desk.account().open_orders().next() else { return };
        let (account, order) = (self.desk.account, order.id);
        let canceled = self.desk.apply(&Command::CancelOrder { account, order }).is_ok();
        assert_eq!(canceled, self.naive.cancel(order));
    }

    fn wait(&mut self, to: Timestamp) {
        self.desk.broker.advance(to);
        self.naive.wait(to);
    }

    fn compare(&self) {
        let account = self.desk.account();
        let power = self.desk.power();
        let shown = NaiveFigures {
            cash: account.cash,
            equity: power.equity,
            long: power.long_market_value,
            short: power.short_market_value,
            multiplier: power.multiplier,
            initial: power.initial_margin,
            maintenance: power.maintenance_margin,
            buying_power: power.buying_power,
            regt: power.regt_buying_power,
            non_marginable: power.non_marginable_buying_power,
            reserved: account.reserved(),
            pending_fees: account.day_fees.total(),
        };
        assert_eq!(shown, self.naive.figures(), "at {}", self.naive.now);
        for symbol in &self.naive.symbols {
            let (shown, naive) = (account.position(symbol), self.naive.holding(symbol));
            assert_eq!(shown.quantity, naive.quantity, "{symbol}");
            assert_eq!(account.held(symbol), self.naive.held(symbol), "{symbol}");
            let near = |one: Decimal, other: Decimal| (one - other).abs() < dec("0.000001");
            assert!(near(shown.cost, naive.quantity * naive.average), "{symbol}: {shown:?} {naive:?}");
            assert!(
                near(shown.day_cost, naive.quantity * naive.day_average),
                "{symbol}: {shown:?} {naive:?}"
            );
            // The cost has nine decimals, so that the average of a few billionths of a coin has fewer.
            let apart = (shown.average_price() - naive.average).abs();
            assert!(naive.quantity.is_zero() || apart < dec("0.0001"), "{symbol}: {shown:?} {naive:?}");
        }
        for order in &self.naive.orders {
            let status = self.desk.order(order.id).status;
            let same = match order.state {
                State::Open => !status.is_terminal(),
                State::Filled => status == OrderStatus::Filled,
                State::Canceled => status == OrderStatus::Canceled,
                State::Expired => status == OrderStatus::Expired,
            };
            assert!(same, "{order:?} is {status}");
        }
    }
}

#[rstest]
#[case::rich(1, Environment::Paper, "1000000")]
#[case::usual(2, Environment::Paper, "100000")]
#[case::usual_again(3, Environment::Paper, "100000")]
#[case::small(4, Environment::Paper, "5000")]
#[case::without_margin(5, Environment::Paper, "1900")]
#[case::about_the_margin(9, Environment::Paper, "2001")]
#[case::live(7, Environment::Live, "100000")]
#[case::live_again(8, Environment::Live, "50000")]
fn a_random_day_is_the_same_to_both(#[case] seed: u64, #[case] environment: Environment, #[case] cash: &str) {
    let mut day = Day::new(seed, environment, cash);
    for _ in 0..STEPS {
        day.step();
        day.compare();
    }
    // The close, the night, and half an hour of the next date.
    for to in ["2026-06-24T20:30:00Z", "2026-06-25T03:59:59Z", "2026-06-25T04:00:00Z", "2026-06-25T04:30:00Z"]
    {
        if day.naive.now < at(to) {
            day.wait(at(to));
            day.compare();
        }
    }
    // The day is worth something only if much of it was tried.
    let count = |what: fn(&Order) -> bool| day.desk.account().orders().filter(|order| what(order)).count();
    assert!(count(|order| order.status == OrderStatus::Filled) >= 30);
    assert!(count(|order| order.status == OrderStatus::Canceled) >= 5);
    assert!(count(|order| order.triggered_at.is_some()) >= 1);
    assert!(
        count(|order| order.request.order_type == OrderType::Limit
            && order.ended_as(OrderStatus::Filled).is_some())
            >= 5
    );
    if day.desk.power().multiplier > Decimal::ONE {
        assert!(count(|order| order.intent == PositionIntent::SellToOpen) >= 2);
    }
    let worth = day.desk.account().marks.last().unwrap().equity;
    let cash = day.desk.account().cash;
    assert!(cents(worth) == worth && cents(cash) == cash);
}
