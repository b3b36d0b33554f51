use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::order::{Amount, OrderClass, OrderType, Side, StopLoss, TakeProfit, TimeInForce};
use crate::scope::{Hours, PositionRule, Preset};
use crate::{AssetClass, Symbol};

pub(super) fn at() -> Timestamp {
    "2026-11-20T15:00:00Z".parse().unwrap()
}

pub(super) fn dec(text: &str) -> Decimal {
    crate::money::parse_decimal(text).unwrap()
}

pub(super) fn order(symbol: &str, side: Side, amount: Amount) -> OrderRequest {
    OrderRequest::market(Symbol::parse(symbol).unwrap(), side, TimeInForce::Day, amount)
}

pub(super) fn shares(quantity: &str) -> Amount {
    Amount::Quantity(dec(quantity))
}

pub(super) fn request(act: Act) -> Request<'static> {
    Request {
        operation: "postOrder",
        class: PermissionClass::Order,
        at: at(),
        network: "127.0.0.1".parse().unwrap(),
        frozen: None,
        act,
        account: AccountFigures::default(),
    }
}

/// Facts about a new order, with a quote of this moment.
pub(super) fn facts(order: OrderRequest, price: Option<&str>) -> OrderFacts {
    let quote = price.map(|price| Quote { price: dec(price), at: at() });
    OrderFacts {
        order,
        quote,
        closes: false,
        already_charged: Decimal::ZERO,
        replaced_quantity: None,
        opens: Opens::All,
    }
}

fn ordering(order: OrderRequest, price: Option<&str>) -> Request<'static> {
    let facts = facts(order, price);
    request(Act::Orders(vec![facts]))
}

pub(super) fn trader() -> Scope {
    let mut scope = Scope::default();
    Preset::Trader.apply(&mut scope);
    scope
}

pub(super) fn no_usage() -> Usage {
    Usage::none(trading_date(at()))
}

fn refusal(scope: &Scope, request: &Request<'_>) -> ReasonCode {
    match decide(scope, request, &no_usage()) {
        Decision::Refuse(refusal) => refusal.code,
        Decision::Permit(permit) => panic!("permitted with {:?}", permit.charge()),
    }
}

fn charge(scope: &Scope, request: &Request<'_>) -> Charge {
    match decide(scope, request, &no_usage()) {
        Decision::Permit(permit) => permit.charge(),
        Decision::Refuse(refusal) => panic!("refused: {}", refusal.message),
    }
}

pub(super) fn limit(mut order: OrderRequest, price: &str) -> OrderRequest {
    order.order_type = OrderType::Limit;
    order.limit_price = Some(dec(price));
    order
}

#[test]
fn an_empty_scope_allows_nothing() {
    assert_eq!(refusal(&Scope::default(), &request(Act::Plain)), ReasonCode::OperationNotAllowed);
}

#[test]
fn money_out_passes_only_by_name() {
    let mut scope = trader();
    scope.classes.insert(PermissionClass::MoneyOut);
    let out = Request {
        operation: "createCryptoTransferForAccount",
        class: PermissionClass::MoneyOut,
        ..request(Act::Plain)
    };
    assert_eq!(refusal(&scope, &out), ReasonCode::MoneyOutNotAllowed);
    scope.operations.insert("createCryptoTransferForAccount".to_owned());
    assert_eq!(charge(&scope, &out), Charge::default());
}

#[test]
fn what_cannot_be_judged_passes_only_by_name() {
    let mut scope = trader();
    let exercise = Request { operation: "optionExercise", ..request(Act::Opaque) };
    assert_eq!(refusal(&scope, &exercise), ReasonCode::OperationNotAllowed);
    scope.operations.insert("optionExercise".to_owned());
    assert_eq!(charge(&scope, &exercise).orders, 1);
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Read,
    Cancel,
    Close,
    /// Says to the broker that it closes.
    Closing,
    Buy,
    /// Closes, and its other leg opens.
    Bracket,
    Exercise,
    Settings,
}

impl Asked {
    fn request(self) -> Request<'static> {
        use PermissionClass as P;
        let sell = order("AAPL", Side::Sell, shares("1"));
        let closing = |order| Act::Orders(vec![OrderFacts { closes: true, ..facts(order, None) }]);
        let (class, act) = match self {
            Self::Read => (P::AccountRead, Act::Plain),
            Self::Cancel => (P::Cancel, Act::Plain),
            Self::Close => (P::PositionClose, closing(sell)),
            Self::Closing => (P::Order, closing(sell)),
            Self::Buy => (P::Order, Act::Orders(vec![facts(order("AAPL", Side::Buy, shares("1")), None)])),
            Self::Bracket => (P::Order, closing(OrderRequest { order_class: OrderClass::Bracket, ..sell })),
            Self::Exercise => (P::Order, Act::Opaque),
            Self::Settings => (P::Settings, Act::Plain),
        };
        Request { class, ..request(act) }
    }
}

#[rstest]
#[case("nothing", &[])]
#[case("cancels", &[Asked::Cancel])]
#[case("reads,cancels", &[Asked::Read, Asked::Cancel])]
#[case("cancels,closes", &[Asked::Cancel, Asked::Close, Asked::Closing])]
fn a_freeze_lets_pass_what_was_chosen_and_nothing_else(
    #[case] passing: &str,
    #[case] passes: &[Asked],
    #[values(Frozen::Key, Frozen::Connection, Frozen::Everything)] what: Frozen,
) {
    let all = [
        Asked::Read,
        Asked::Cancel,
        Asked::Close,
        Asked::Closing,
        Asked::Buy,
        Asked::Bracket,
        Asked::Exercise,
        Asked::Settings,
    ];
    let mut scope = trader();
    scope.classes.extend(PermissionClass::ALL);
    scope.operations.insert("postOrder".to_owned());
    let freeze = Freeze { what, passing: passing.parse().unwrap() };
    for asked in all {
        let request = Request { frozen: Some(freeze), ..asked.request() };
        let expected = passes.iter().any(|pass| format!("{pass:?}") == format!("{asked:?}"));
        let decision = decide(&scope, &request, &no_usage());
        let frozen = matches!(&decision, Decision::Refuse(refusal) if refusal.code == ReasonCode::Frozen);
        assert_eq!(frozen, !expected, "{asked:?} under {passing}: {decision:?}");
        assert!(frozen || matches!(decision, Decision::Permit(_)), "{asked:?}: {decision:?}");
    }
}

#[test]
fn a_key_is_dead_at_the_instant_of_its_expiry() {
    let mut scope = trader();
    scope.expires_at = Some(at());
    assert_eq!(refusal(&scope, &request(Act::Plain)), ReasonCode::KeyExpired);
}

#[rstest]
#[case("10.1.2.3", true)]
#[case("::ffff:10.1.2.3", true)]
#[case("11.0.0.1", false)]
#[case("::1", false)]
fn networks(#[case] from: &str, #[case] allowed: bool) {
    let mut scope = trader();
    scope.networks = Some(vec!["10.0.0.0/8".parse().unwrap()]);
    let request = Request { network: from.parse().unwrap(), ..request(Act::Plain) };
    assert_eq!(matches!(decide(&scope, &request, &no_usage()), Decision::Permit(_)), allowed);
}

#[test]
fn symbols_sides_types_and_classes_limit() {
    let buy = order("MSFT", Side::Buy, shares("1"));
    let mut scope = trader();
    scope.symbols = Some([Symbol::parse("AAPL").unwrap()].into());
    assert_eq!(refusal(&scope, &ordering(buy.clone(), None)), ReasonCode::SymbolNotAllowed);
    let mut scope = trader();
    scope.asset_classes = Some([AssetClass::Crypto].into());
    assert_eq!(refusal(&scope, &ordering(buy.clone(), None)), ReasonCode::AssetClassNotAllowed);
    let mut scope = trader();
    scope.sides = Some([Side::Sell].into());
    assert_eq!(refusal(&scope, &ordering(buy.clone(), None)), ReasonCode::SideNotAllowed);
    let mut scope = trader();
    scope.order_types = Some([OrderType::Limit].into());
    assert_eq!(refusal(&scope, &ordering(buy, None)), ReasonCode::OrderTypeNotAllowed);
}

#[test]
fn the_exits_of_a_bracket_are_decided_too() {
    let mut bracket = limit(order("AAPL", Side::Buy, shares("1")), "100");
    bracket.order_class = OrderClass::Bracket;
    bracket.take_profit = Some(TakeProfit { limit_price: dec("110") });
    bracket.stop_loss = Some(StopLoss { stop_price: dec("90"), limit_price: None });
    let mut scope = trader();
    scope.sides = Some([Side::Buy].into());
    assert_eq!(refusal(&scope, &ordering(bracket.clone(), None)), ReasonCode::SideNotAllowed);
    let mut scope = trader();
    scope.order_types = Some([OrderType::Limit].into());
    assert_eq!(refusal(&scope, &ordering(bracket, None)), ReasonCode::OrderTypeNotAllowed);
}

#[rstest]
#[case::market_buy_at_the_ask(order("AAPL", Side::Buy, shares("2")), Some("600"), "1200")]
#[case::a_buy_limit_pays_at_most_its_limit(
    limit(order("AAPL", Side::Buy, shares("2")), "100"),
    Some("600"),
    "200"
)]
#[case::a_sell_limit_sells_at_the_market(
    limit(order("AAPL", Side::Sell, shares("2")), "1"),
    Some("600"),
    "1200"
)]
#[case::stated_notional(order("AAPL", Side::Buy, Amount::Notional(dec("55.5"))), None, "55.5")]
#[case::a_contract_is_a_hundred(
    limit(order("AAPL261218C00150000", Side::Buy, shares("1")), "2.5"),
    None,
    "250"
)]
fn worth(#[case] order: OrderRequest, #[case] price: Option<&str>, #[case] expected: &str) {
    let charge = charge(&trader(), &ordering(order, price));
    assert_eq!((charge.orders, charge.notional), (1, dec(expected)));
}

#[test]
fn an_oco_is_worth_its_dearer_exit() {
    let mut oco = limit(order("AAPL", Side::Buy, shares("1")), "100");
    oco.order_class = OrderClass::Oco;
    oco.stop_loss = Some(StopLoss { stop_price: dec("150"), limit_price: None });
    assert_eq!(charge(&trader(), &ordering(oco, None)).notional, dec("150"));
}

#[test]
fn an_order_that_cannot_be_valued_is_refused_only_where_value_is_limited() {
    let unknown = ordering(order("AAPL", Side::Buy, shares("1")), None);
    assert_eq!(charge(&trader(), &unknown).orders, 1);
    let mut scope = trader();
    scope.max_order_notional = Some(dec("1000"));
    assert_eq!(refusal(&scope, &unknown), ReasonCode::PriceUnknown);
}

#[rstest]
#[case("1000", None)]
#[case("1000.01", Some(ReasonCode::OrderNotionalExceeded))]
fn the_order_cap_is_inclusive(#[case] notional: &str, #[case] expected: Option<ReasonCode>) {
    let mut scope = trader();
    scope.max_order_notional = Some(dec("1000"));
    let request = ordering(order("AAPL", Side::Buy, Amount::Notional(dec(notional))), None);
    let found = match decide(&scope, &request, &no_usage()) {
        Decision::Permit(_) => None,
        Decision::Refuse(refusal) => Some(refusal.code),
    };
    assert_eq!(found, expected);
}

#[test]
fn a_replacement_is_charged_for_what_it_adds() {
    let order = limit(order("AAPL", Side::Buy, shares("3")), "100");
    let facts = OrderFacts { already_charged: dec("100"), ..facts(order, None) };
    assert_eq!(charge(&trader(), &request(Act::Orders(vec![facts]))).notional, dec("200"));
}

/// What one order is refused for under a scope with one limit; `None` if it is permitted.
fn outcome(limit: impl FnOnce(&mut Scope), facts: OrderFacts) -> Option<ReasonCode> {
    let mut scope = trader();
    limit(&mut scope);
    match decide(&scope, &request(Act::Orders(vec![facts])), &no_usage()) {
        Decision::Permit(_) => None,
        Decision::Refuse(refusal) => Some(refusal.code),
    }
}

#[test]
fn terms_that_are_not_allowed() {
    let day = || order("AAPL", Side::Buy, shares("1"));
    let days_only = |scope: &mut Scope| scope.times_in_force = Some([TimeInForce::Day].into());
    assert_eq!(outcome(days_only, facts(day(), None)), None);
    let gtc = OrderRequest { time_in_force: TimeInForce::Gtc, ..day() };
    assert_eq!(outcome(days_only, facts(gtc, None)), Some(ReasonCode::TimeInForceNotAllowed));

    let simple_only = |scope: &mut Scope| scope.order_classes = Some([OrderClass::Simple].into());
    assert_eq!(outcome(simple_only, facts(day(), None)), None);
    let bracket = OrderRequest { order_class: OrderClass::Bracket, ..day() };
    assert_eq!(outcome(simple_only, facts(bracket, None)), Some(ReasonCode::OrderClassNotAllowed));

    let regular = |scope: &mut Scope| scope.no_extended_hours = true;
    let extended = OrderRequest { extended_hours: true, ..limit(day(), "1") };
    assert_eq!(outcome(regular, facts(day(), None)), None);
    assert_eq!(outcome(regular, facts(extended, None)), Some(ReasonCode::ExtendedHoursNotAllowed));
}

#[rstest]
#[case(PositionRule::LongOnly, Side::Buy, OrderClass::Simple, false, true)]
#[case(PositionRule::LongOnly, Side::Buy, OrderClass::Bracket, false, true)]
#[case(PositionRule::LongOnly, Side::Sell, OrderClass::Simple, true, true)]
#[case(PositionRule::LongOnly, Side::Sell, OrderClass::Oco, true, true)]
#[case(PositionRule::LongOnly, Side::Sell, OrderClass::Simple, false, false)]
#[case(PositionRule::LongOnly, Side::Sell, OrderClass::Bracket, false, false)]
#[case(PositionRule::LongOnly, Side::Buy, OrderClass::Mleg, false, false)]
#[case(PositionRule::ReduceOnly, Side::Buy, OrderClass::Simple, true, true)]
#[case(PositionRule::ReduceOnly, Side::Sell, OrderClass::Oco, true, true)]
#[case(PositionRule::ReduceOnly, Side::Buy, OrderClass::Simple, false, false)]
#[case(PositionRule::ReduceOnly, Side::Sell, OrderClass::Simple, false, false)]
#[case(PositionRule::ReduceOnly, Side::Sell, OrderClass::Bracket, true, false)]
fn positions(
    #[case] rule: PositionRule,
    #[case] side: Side,
    #[case] order_class: OrderClass,
    #[case] closes: bool,
    #[case] good: bool,
) {
    let order = OrderRequest { order_class, ..order("AAPL", side, shares("1")) };
    let found = outcome(|scope| scope.positions = Some(rule), OrderFacts { closes, ..facts(order, None) });
    assert_eq!(found, (!good).then_some(ReasonCode::PositionNotAllowed));
}

#[rstest]
#[case::buy_below(Side::Buy, "99", Some("100"), None)]
#[case::buy_at_the_edge(Side::Buy, "105", Some("100"), None)]
#[case::buy_beyond(Side::Buy, "105.01", Some("100"), Some(ReasonCode::PriceOutsideCollar))]
#[case::sell_above(Side::Sell, "200", Some("100"), None)]
#[case::sell_at_the_edge(Side::Sell, "95", Some("100"), None)]
#[case::sell_beyond(Side::Sell, "94.99", Some("100"), Some(ReasonCode::PriceOutsideCollar))]
#[case::no_quote(Side::Buy, "1", None, Some(ReasonCode::PriceUnknown))]
fn limits_far_from_the_market(
    #[case] side: Side,
    #[case] price: &str,
    #[case] market: Option<&str>,
    #[case] expected: Option<ReasonCode>,
) {
    let order = limit(order("AAPL", side, shares("1")), price);
    assert_eq!(outcome(|scope| scope.max_price_deviation = Some(dec("5")), facts(order, market)), expected);
}

#[rstest]
#[case(shares("10"), None, None)]
#[case(shares("10.000000001"), None, Some(ReasonCode::OrderQuantityExceeded))]
#[case(Amount::Notional(dec("1000")), Some("100"), None)]
#[case(Amount::Notional(dec("1000.01")), Some("100"), Some(ReasonCode::OrderQuantityExceeded))]
#[case(Amount::Notional(dec("1000")), None, Some(ReasonCode::PriceUnknown))]
fn units_at_once(#[case] amount: Amount, #[case] market: Option<&str>, #[case] expected: Option<ReasonCode>) {
    let order = order("AAPL", Side::Buy, amount);
    assert_eq!(outcome(|scope| scope.max_order_quantity = Some(dec("10")), facts(order, market)), expected);
}

/// A feed that has stopped is noticed while the market is open, and the last quote stands when it is shut.
#[rstest]
#[case::fresh("AAPL", "2026-11-20T15:00:00Z", 900, None, None)]
#[case::old("AAPL", "2026-11-20T15:00:00Z", 901, None, Some(ReasonCode::QuoteStale))]
#[case::stricter("AAPL", "2026-11-20T15:00:00Z", 61, Some(60), Some(ReasonCode::QuoteStale))]
#[case::shut("AAPL", "2026-11-21T15:00:00Z", 80_000, None, None)]
#[case::crypto_never_shuts("BTC/USD", "2026-11-21T15:00:00Z", 901, None, Some(ReasonCode::QuoteStale))]
fn quotes_that_stand_still(
    #[case] symbol: &str,
    #[case] now: &str,
    #[case] seconds: i64,
    #[case] most: Option<u32>,
    #[case] expected: Option<ReasonCode>,
) {
    let now: Timestamp = now.parse().unwrap();
    let mut scope = trader();
    scope.max_order_notional = Some(dec("1000"));
    scope.max_quote_age = most;
    let mut facts = facts(order(symbol, Side::Buy, shares("1")), Some("100"));
    facts.quote = Some(Quote { price: dec("100"), at: now - jiff::SignedDuration::from_secs(seconds) });
    let request = Request { at: now, ..request(Act::Orders(vec![facts])) };
    let found = match decide(&scope, &request, &Usage::none(trading_date(now))) {
        Decision::Permit(_) => None,
        Decision::Refuse(refusal) => Some(refusal.code),
    };
    assert_eq!(found, expected);
}

#[rstest]
#[case(Some(vec!["AAPL"]), true)]
#[case(Some(vec!["BTCUSD"]), true)]
#[case(Some(vec!["AAPL261218C00150000"]), true)]
#[case(Some(vec!["AAPL261218C00150000", "MSFT261218C00150000"]), false)]
#[case(Some(vec!["BTCUSD261218C00150000"]), false)]
#[case(Some(vec!["AAPL", "MSFT"]), false)]
#[case(Some(vec!["../AAPL"]), false)]
#[case(Some(vec![]), true)]
#[case(None, false)]
fn market_data_of_some_symbols(#[case] asked: Option<Vec<&str>>, #[case] good: bool) {
    let mut scope = trader();
    scope.data_symbols = Some(["AAPL", "BTC/USD"].map(|symbol| Symbol::parse(symbol).unwrap()).into());
    let asked = asked.map(|symbols| symbols.into_iter().map(str::to_owned).collect());
    let read = Request { operation: "StockBars", class: PermissionClass::Data, ..request(Act::Data(asked)) };
    let permitted = matches!(decide(&scope, &read, &no_usage()), Decision::Permit(_));
    assert_eq!(permitted, good);
    assert!(matches!(decide(&trader(), &read, &no_usage()), Decision::Permit(_)));
}

#[test]
fn orders_have_their_hours_and_cancels_have_none() {
    let mut scope = trader();
    scope.hours = Some(Hours::Regular);
    let night = "2026-11-20T23:00:00Z".parse().unwrap();
    let late = Request { at: night, ..ordering(order("AAPL", Side::Buy, shares("1")), None) };
    assert_eq!(refusal(&scope, &late), ReasonCode::OutsideHours);
    let cancel = Request {
        operation: "deleteOrderByOrderID",
        class: PermissionClass::Cancel,
        at: night,
        ..request(Act::Plain)
    };
    assert_eq!(charge(&scope, &cancel), Charge::default());
}

#[test]
fn yesterdays_usage_does_not_count() {
    let mut scope = trader();
    scope.max_daily_orders = Some(1);
    let request = ordering(order("AAPL", Side::Buy, Amount::Notional(dec("5"))), None);
    let used = Usage { orders: 1, ..no_usage() };
    assert!(matches!(decide(&scope, &request, &used), Decision::Refuse(_)));
    let yesterday = Usage { day: used.day.yesterday().unwrap(), ..used };
    assert!(matches!(decide(&scope, &request, &yesterday), Decision::Permit(_)));
}

#[test]
fn reason_names_and_numbers_are_unique() {
    let names: std::collections::BTreeSet<_> = ReasonCode::ALL.iter().map(|code| code.as_str()).collect();
    let numbers: std::collections::BTreeSet<_> = ReasonCode::ALL.iter().map(|code| code.number()).collect();
    assert_eq!((names.len(), numbers.len()), (ReasonCode::ALL.len(), ReasonCode::ALL.len()));
}

proptest! {
    /// However orders come, what is permitted in one day never adds up to more than the caps.
    #[test]
    fn caps_are_never_overshot(
        amounts in prop::collection::vec(1_i64..400_000, 1..40),
        order_cap in 1_i64..300_000,
        daily_cap in 1_i64..2_000_000,
        orders_cap in 1_u32..20,
    ) {
        let mut scope = trader();
        scope.max_order_notional = Some(Decimal::new(order_cap, 2));
        scope.max_daily_notional = Some(Decimal::new(daily_cap, 2));
        scope.max_daily_orders = Some(orders_cap);
        let mut usage = no_usage();
        for cents in amounts {
            let notional = Decimal::new(cents, 2);
            let request = ordering(order("AAPL", Side::Buy, Amount::Notional(notional)), None);
            if let Decision::Permit(permit) = decide(&scope, &request, &usage) {
                prop_assert!(notional <= Decimal::new(order_cap, 2));
                usage.orders += permit.charge().orders;
                usage.notional += permit.charge().notional;
            }
        }
        prop_assert!(usage.notional <= Decimal::new(daily_cap, 2));
        prop_assert!(usage.orders <= orders_cap);
    }

    /// Taking a limit away never refuses what was permitted with it: limits only ever narrow.
    #[test]
    fn limits_only_narrow(cents in 1_i64..400_000, cap in 1_i64..400_000) {
        let mut narrow = trader();
        narrow.max_order_notional = Some(Decimal::new(cap, 2));
        let request = ordering(order("AAPL", Side::Buy, Amount::Notional(Decimal::new(cents, 2))), None);
        if matches!(decide(&narrow, &request, &no_usage()), Decision::Permit(_)) {
            prop_assert!(matches!(decide(&trader(), &request, &no_usage()), Decision::Permit(_)));
        }
    }
}
