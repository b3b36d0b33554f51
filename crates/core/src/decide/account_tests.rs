//! The caps that look at the whole account.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rstest::rstest;

use super::tests::*;
use super::*;
use crate::Symbol;
use crate::exposure::{Holding, WorkingOrder, open_exposure};
use crate::order::{Amount, Side};

fn limited(exposure: Option<&str>, loss: Option<&str>) -> Scope {
    let mut scope = trader();
    scope.max_open_exposure = exposure.map(dec);
    scope.max_daily_loss = loss.map(dec);
    scope
}

fn figures(exposure: &str, loss: &str) -> AccountFigures {
    AccountFigures { open_exposure: Figure::Dollars(dec(exposure)), daily_loss: Figure::Dollars(dec(loss)) }
}

fn outcome(scope: &Scope, request: &Request<'_>, usage: &Usage) -> Option<ReasonCode> {
    match decide(scope, request, usage) {
        Decision::Permit(_) => None,
        Decision::Refuse(refusal) => Some(refusal.code),
    }
}

/// An order of ten shares at a market of 100 dollars.
fn ten(side: Side, opens: Opens) -> Act {
    let mut facts = facts(order("AAPL", side, shares("10")), Some("100"));
    facts.opens = opens;
    Act::Orders(vec![facts])
}

#[rstest]
#[case::fits("4000", "0", Opens::All, None)]
#[case::to_the_cent("4000", "0.01", Opens::All, Some(ReasonCode::OpenExposureExceeded))]
#[case::what_is_on_its_way_counts("3000", "1000", Opens::All, None)]
#[case::beyond("4000.01", "0", Opens::All, Some(ReasonCode::OpenExposureExceeded))]
#[case::a_close_passes_above_the_cap("9000", "0", Opens::Nothing, None)]
#[case::a_replacement_by_less("9000", "0", Opens::Part { quantity: Decimal::ONE, counted: Decimal::ONE_HUNDRED }, None)]
#[case::a_replacement_by_more("4950", "0", Opens::Part { quantity: Decimal::TWO, counted: Decimal::ONE_HUNDRED }, Some(ReasonCode::OpenExposureExceeded))]
#[case::a_replacement_that_fits("4900", "0", Opens::Part { quantity: Decimal::TWO, counted: Decimal::ONE_HUNDRED }, None)]
fn open_exposure_has_a_cap(
    #[case] at_broker: &str,
    #[case] unseen: &str,
    #[case] opens: Opens,
    #[case] expected: Option<ReasonCode>,
) {
    let scope = limited(Some("5000"), None);
    let request = Request { account: figures(at_broker, "0"), ..request(ten(Side::Buy, opens)) };
    let usage = Usage { unseen_exposure: Some(dec(unseen)), ..no_usage() };
    assert_eq!(outcome(&scope, &request, &usage), expected);
}

#[test]
fn the_refusal_tells_its_numbers() {
    let request = Request { account: figures("4500", "0"), ..request(ten(Side::Buy, Opens::All)) };
    let Decision::Refuse(refusal) = decide(&limited(Some("5000"), None), &request, &no_usage()) else {
        panic!("it was permitted")
    };
    let numbers: Vec<_> =
        refusal.numbers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        numbers,
        [("exposure_added", "1000"), ("max_open_exposure", "5000"), ("open_exposure", "4500")]
    );
}

#[rstest]
#[case::not_asked(Figure::NotAsked, Opens::All, true)]
#[case::not_known(Figure::Unknown("what the position in X is worth".to_owned()), Opens::All, true)]
#[case::a_close_needs_no_figures(Figure::NotAsked, Opens::Nothing, false)]
fn missing_figures_refuse_what_opens(#[case] figure: Figure, #[case] opens: Opens, #[case] refused: bool) {
    let account = AccountFigures { open_exposure: figure.clone(), daily_loss: figure };
    let request = Request { account, ..request(ten(Side::Buy, opens)) };
    let expected = |code| refused.then_some(code);
    let exposure = outcome(&limited(Some("5000"), None), &request, &no_usage());
    assert_eq!(exposure, expected(ReasonCode::OpenExposureUnknown));
    let loss = outcome(&limited(None, Some("5000")), &request, &no_usage());
    assert_eq!(loss, expected(ReasonCode::DailyLossUnknown));
}

#[test]
fn an_order_on_its_way_whose_worth_is_unknown_refuses_what_opens() {
    let request = Request { account: figures("0", "0"), ..request(ten(Side::Buy, Opens::All)) };
    let usage = Usage { unseen_exposure: None, ..no_usage() };
    let scope = limited(Some("5000"), None);
    assert_eq!(outcome(&scope, &request, &usage), Some(ReasonCode::OpenExposureUnknown));
}

#[test]
fn what_cannot_be_valued_is_refused_under_the_cap() {
    let scope = limited(Some("5000"), None);
    let mut mleg = facts(order("AAPL261218C00150000", Side::Buy, shares("1")), Some("1"));
    mleg.order.order_class = crate::order::OrderClass::Mleg;
    let no_quote = facts(order("AAPL", Side::Buy, shares("1")), None);
    for facts in [mleg, no_quote] {
        let request = Request { account: figures("0", "0"), ..request(Act::Orders(vec![facts])) };
        assert_eq!(outcome(&scope, &request, &no_usage()), Some(ReasonCode::PriceUnknown));
    }
    let mut scope = scope;
    scope.operations.insert("optionExercise".to_owned());
    let exercise =
        Request { operation: "optionExercise", account: figures("0", "0"), ..request(Act::Opaque) };
    assert_eq!(outcome(&scope, &exercise, &no_usage()), Some(ReasonCode::OpenExposureUnknown));
}

#[test]
fn an_old_quote_values_nothing_under_the_cap() {
    let mut facts = facts(order("AAPL", Side::Buy, shares("1")), Some("100"));
    facts.quote.as_mut().unwrap().at = at() - jiff::SignedDuration::from_mins(16);
    let request = Request { account: figures("0", "0"), ..request(Act::Orders(vec![facts])) };
    let scope = limited(Some("5000"), None);
    assert_eq!(outcome(&scope, &request, &no_usage()), Some(ReasonCode::QuoteStale));
}

#[rstest]
#[case::a_gain("-50", "0", None)]
#[case::less_than_the_cap("249.99", "0", None)]
#[case::the_cap("250", "0", Some(ReasonCode::DailyLossReached))]
#[case::won_back("10", "250", Some(ReasonCode::DailyLossReached))]
#[case::a_cap_that_was_lower_then("10", "200", None)]
fn a_days_loss_stops_what_opens(
    #[case] loss: &str,
    #[case] worst: &str,
    #[case] expected: Option<ReasonCode>,
) {
    let scope = limited(None, Some("250"));
    let usage = Usage { worst_loss: dec(worst), ..no_usage() };
    let opening = Request { account: figures("0", loss), ..request(ten(Side::Buy, Opens::All)) };
    assert_eq!(outcome(&scope, &opening, &usage), expected);
    let closing = Request { account: figures("0", loss), ..request(ten(Side::Sell, Opens::Nothing)) };
    assert_eq!(outcome(&scope, &closing, &usage), None);
    let cancel = Request {
        operation: "deleteOrderByOrderID",
        class: PermissionClass::Cancel,
        account: figures("0", loss),
        ..request(Act::Plain)
    };
    assert_eq!(outcome(&scope, &cancel, &usage), None);
}

/// One step of a broker, of orders on their way to it, and of whoever decides the next one.
#[derive(Clone, Debug)]
enum Step {
    /// An order of so many shares is decided by the newest whole figures.
    Decide(i64),
    /// The oldest order that waits reaches the broker, which may refuse it.
    Arrive { refused: bool },
    /// The answer to the oldest order that the broker had is settled.
    Answer,
    /// Some working order is filled in part.
    Fill { which: usize, percent: u8 },
    /// Some working order is canceled.
    Cancel(usize),
    /// Figures begin: the mark is taken.
    Mark,
    /// The working orders are read, after a mark.
    ReadOrders,
    /// The positions are read, after the orders, and the figures are whole.
    ReadPositions,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_i64..40).prop_map(Step::Decide),
        4 => prop::bool::weighted(0.1).prop_map(|refused| Step::Arrive { refused }),
        4 => Just(Step::Answer),
        3 => (any::<usize>(), 1_u8..=100).prop_map(|(which, percent)| Step::Fill { which, percent }),
        1 => any::<usize>().prop_map(Step::Cancel),
        3 => Just(Step::Mark),
        3 => Just(Step::ReadOrders),
        3 => Just(Step::ReadPositions),
    ];
    prop::collection::vec(step, 1..200)
}

/// Orders are purchases at a limit of 10 dollars, at which they fill.
const PRICE: Decimal = Decimal::TEN;

#[derive(Default)]
struct World {
    /// Position of the audit chain.
    position: u64,
    /// Decided orders: how many shares, and the position at which the answer was settled.
    reserved: BTreeMap<u64, (Decimal, Option<u64>)>,
    waiting: Vec<u64>,
    unanswered: Vec<(u64, bool)>,
    working: BTreeMap<u64, Decimal>,
    held: Decimal,
    mark: Option<u64>,
    orders_read: Option<(u64, Vec<WorkingOrder>)>,
    figures: Option<(u64, Decimal)>,
    next: u64,
}

impl World {
    fn at_stake(&self) -> Decimal {
        (self.held + self.working.values().sum::<Decimal>()) * PRICE
    }

    fn unseen(&self, mark: u64) -> Decimal {
        let unseen = |settled: &Option<u64>| settled.is_none_or(|position| position > mark);
        let shares: Decimal =
            self.reserved.values().filter(|(_, settled)| unseen(settled)).map(|(shares, _)| *shares).sum();
        shares * PRICE
    }

    fn step(&mut self, step: &Step, scope: &Scope) {
        match *step {
            Step::Decide(shares) => {
                let Some((mark, exposure)) = self.figures else { return };
                let shares = Decimal::from(shares);
                let order = limit(order("AAPL", Side::Buy, Amount::Quantity(shares)), "10");
                let account =
                    AccountFigures { open_exposure: Figure::Dollars(exposure), ..AccountFigures::default() };
                let request = Request { account, ..request(Act::Orders(vec![facts(order, None)])) };
                let usage = Usage { unseen_exposure: Some(self.unseen(mark)), ..no_usage() };
                if outcome(scope, &request, &usage).is_none() {
                    self.next += 1;
                    self.position += 1;
                    self.reserved.insert(self.next, (shares, None));
                    self.waiting.push(self.next);
                }
            }
            Step::Arrive { refused } if !self.waiting.is_empty() => {
                let order = self.waiting.remove(0);
                if !refused {
                    self.working.insert(order, self.reserved[&order].0);
                }
                self.unanswered.push((order, refused));
            }
            Step::Answer if !self.unanswered.is_empty() => {
                let (order, refused) = self.unanswered.remove(0);
                self.position += 1;
                let position = if refused { 0 } else { self.position };
                if let Some((_, settled)) = self.reserved.get_mut(&order) {
                    *settled = Some(position);
                }
            }
            Step::Fill { which, percent } if !self.working.is_empty() => {
                let order = *self.working.keys().nth(which % self.working.len()).unwrap();
                let left = self.working[&order];
                let filled = left * Decimal::new(percent.into(), 2);
                self.held += filled;
                if percent == 100 {
                    self.working.remove(&order);
                } else {
                    self.working.insert(order, left - filled);
                }
            }
            Step::Cancel(which) if !self.working.is_empty() => {
                let order = *self.working.keys().nth(which % self.working.len()).unwrap();
                self.working.remove(&order);
            }
            Step::Mark => (self.mark, self.orders_read) = (Some(self.position), None),
            Step::ReadOrders => {
                let Some(mark) = self.mark.take() else { return };
                let working = self.working.iter().map(|(id, left)| WorkingOrder {
                    id: id.to_string(),
                    order: limit(order("AAPL", Side::Buy, Amount::Quantity(*left)), "10"),
                    closes: false,
                    exits: Vec::new(),
                    quote: None,
                });
                self.orders_read = Some((mark, working.collect()));
            }
            Step::ReadPositions => {
                let Some((mark, working)) = self.orders_read.take() else { return };
                let symbol = Symbol::parse("AAPL").unwrap();
                let held = Holding { symbol, quantity: self.held, market_value: Some(self.held * PRICE) };
                let exposure = open_exposure(&[held], &working, at()).unwrap().dollars;
                self.figures = Some((mark, exposure));
            }
            Step::Arrive { .. } | Step::Answer | Step::Fill { .. } | Step::Cancel(_) => {}
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    /// However decisions, answers, fills and readings come between one another, and however old the figures are: what the broker has
    /// never is more than the cap.
    #[test]
    fn open_exposure_is_never_overshot(steps in steps(), cap in 1_i64..1500) {
        let mut scope = trader();
        scope.max_open_exposure = Some(Decimal::from(cap));
        let mut world = World::default();
        for step in &steps {
            world.step(step, &scope);
            prop_assert!(world.at_stake() <= Decimal::from(cap), "{} after {step:?}", world.at_stake());
        }
    }
}
