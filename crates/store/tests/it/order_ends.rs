//! What becomes of charges when orders end, and what of them an account's figures may not show.

use paddock_core::Symbol;
use paddock_core::audit::AuditEvent;
use paddock_core::decide::{AccountFigures, Act, Opens, OrderFacts};
use paddock_core::order::{Amount, OrderRequest, OrderType, Side, TimeInForce};
use paddock_core::usage::Filled;
use paddock_core::{Decision, PermissionClass, Request, Usage, decide};
use paddock_store::{
    AccessKey, AfterEnd, AuditQuery, Decide, EndedOrder, Figures, Intent, Settlement, Store,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::support::*;

on_both!(
    what_is_not_filled_is_given_back_once,
    an_order_in_dollars_keeps_what_it_bought,
    a_late_fill_takes_its_part_again,
    it_is_given_back_on_the_day_that_it_was_taken_from,
    a_replacement_goes_on_with_the_charge,
    an_end_waits_for_the_replacement_under_way,
    an_order_that_others_replaced_is_over,
    only_confirmed_orders_end,
    the_figures_miss_what_is_on_its_way,
    the_figures_show_what_is_among_them_by_name,
    a_request_that_cannot_be_on_its_way_any_more_is_among_the_figures,
    a_loss_stops_a_key_for_its_day,
    any_life_of_orders_keeps_usage_at_what_is_filled_or_may_fill,
);

/// An order for so many shares at so many dollars each, decided as the gateway does.
async fn order(
    store: &Store,
    key: &AccessKey,
    shares: &str,
    price: &str,
    replaces: Option<(&str, &str)>,
) -> Intent {
    let mut wanted = intent(key);
    wanted.quantity = Some(dec(shares));
    wanted.replaces = replaces.map(|(before, _)| before.to_owned());
    if let Some((before, _)) = replaces {
        wanted.already_charged = store.charged_for_order(key.id, before).await.unwrap();
    }
    let symbol = Symbol::parse("AAPL").unwrap();
    let amount = Amount::Quantity(dec(shares));
    let request = OrderRequest {
        order_type: OrderType::Limit,
        limit_price: Some(dec(price)),
        ..OrderRequest::market(symbol, Side::Buy, TimeInForce::Gtc, amount)
    };
    let facts = OrderFacts {
        order: request,
        quote: None,
        closes: false,
        already_charged: wanted.already_charged,
        replaced_quantity: replaces.map(|(_, shares)| dec(shares)),
        opens: Opens::All,
    };
    let (scope, input) = (key.scope.clone(), wanted.clone());
    let decided: Decide = Box::new(move |used: &Usage| {
        let request = Request {
            operation: "postOrder",
            class: PermissionClass::Order,
            at: input.at,
            network: "127.0.0.1".parse().unwrap(),
            frozen: None,
            act: Act::Orders(vec![facts.clone()]),
            account: AccountFigures::default(),
        };
        match decide(&scope, &request, used) {
            Decision::Permit(permit) => {
                let event = permitted(&input, &permit);
                Ok((permit, event))
            }
            Decision::Refuse(refusal) => Err(refusal),
        }
    });
    _ = store.reserve(&wanted, decided).await.unwrap().unwrap();
    wanted
}

async fn confirm(store: &Store, intent: &Intent, order_id: &str) {
    let outcome = Settlement::Confirmed { status: Some(200), order_id: Some(order_id.to_owned()) };
    store.settle(intent.request, &outcome, at()).await.unwrap();
}

async fn placed(store: &Store, key: &AccessKey, shares: &str, price: &str, order_id: &str) -> Intent {
    let intent = order(store, key, shares, price, None).await;
    confirm(store, &intent, order_id).await;
    intent
}

async fn ends(store: &Store, order_id: &str, filled: &str, replaced: bool) -> AfterEnd {
    let order = EndedOrder { id: order_id.to_owned(), filled: Filled::Units(dec(filled)), replaced };
    store.order_ended(&order, at()).await.unwrap()
}

async fn notional(store: &Store, key: &AccessKey) -> Decimal {
    store.usage(key.id, day()).await.unwrap().notional
}

fn settled(dollars: &str) -> AfterEnd {
    AfterEnd::Settled(dec(dollars))
}

async fn what_is_not_filled_is_given_back_once(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let intent = placed(&store, &it.key, "10", "10", "order-1").await;
    placed(&store, &it.key, "1", "7", "order-2").await;
    let working = store.working_charges(it.connection.id).await.unwrap();
    let mut names: Vec<&str> = working.iter().map(|one| one.order_id.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["order-1", "order-2"]);
    assert_eq!(ends(&store, "order-1", "4", false).await, settled("60"));
    for _ in 0..2 {
        assert_eq!(ends(&store, "order-1", "4", false).await, AfterEnd::Nothing);
    }
    let used = store.usage(it.key.id, day()).await.unwrap();
    assert_eq!((used.orders, used.notional), (2, dec("47")), "an order counts even if nothing came of it");
    let query = AuditQuery { event: Some("charge_returned".to_owned()), ..AuditQuery::default() };
    let records = store.audit_page(&query).await.unwrap();
    let expected = AuditEvent::ChargeReturned {
        request: intent.request,
        order_id: "order-1".to_owned(),
        notional: dec("60"),
    };
    assert_eq!(records.iter().map(|record| record.event().unwrap()).collect::<Vec<_>>(), [expected]);
    assert_eq!(store.working_charges(it.connection.id).await.unwrap().len(), 1);
    assert_eq!(ends(&store, "order-2", "1", false).await, settled("0"));
    assert_eq!(ends(&store, "no-such-order", "1", false).await, AfterEnd::Unknown);
    store.verify_audit().await.unwrap();
}

async fn an_order_in_dollars_keeps_what_it_bought(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    for (order_id, dollars, all, left) in
        [("order-1", "39.99", false, "39.99"), ("order-2", "99.98", true, "139.99")]
    {
        let intent = reserve(&store, &it.key, "100").await;
        confirm(&store, &intent, order_id).await;
        let filled = Filled::Dollars { dollars: dec(dollars), all };
        let order = EndedOrder { id: order_id.to_owned(), filled, replaced: false };
        store.order_ended(&order, at()).await.unwrap();
        assert_eq!(notional(&store, &it.key).await, dec(left));
    }
}

async fn a_late_fill_takes_its_part_again(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    placed(&store, &it.key, "10", "10", "order-1").await;
    ends(&store, "order-1", "0", false).await;
    assert_eq!(notional(&store, &it.key).await, dec("0"));
    assert_eq!(ends(&store, "order-1", "3", false).await, settled("-30"));
    assert_eq!(ends(&store, "order-1", "2", false).await, AfterEnd::Nothing, "an older tale");
    assert_eq!(notional(&store, &it.key).await, dec("30"));
}

async fn it_is_given_back_on_the_day_that_it_was_taken_from(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    placed(&store, &it.key, "10", "10", "order-1").await;
    let order = EndedOrder { id: "order-1".to_owned(), filled: Filled::Units(dec("1")), replaced: false };
    store.order_ended(&order, later(86_400_000_000)).await.unwrap();
    assert_eq!(notional(&store, &it.key).await, dec("10"));
    assert_eq!(store.usage(it.key.id, day().tomorrow().unwrap()).await.unwrap().notional, dec("0"));
}

async fn a_replacement_goes_on_with_the_charge(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    placed(&store, &it.key, "10", "10", "order-1").await;
    let dearer = order(&store, &it.key, "10", "13", Some(("order-1", "10"))).await;
    confirm(&store, &dearer, "order-2").await;
    assert_eq!(notional(&store, &it.key).await, dec("130"));
    // Two were filled before the replacement. It cannot be settled before that is known.
    assert_eq!(ends(&store, "order-2", "3", false).await, AfterEnd::Waits);
    assert_eq!(notional(&store, &it.key).await, dec("130"));
    assert_eq!(ends(&store, "order-1", "2", true).await, settled("65"));
    assert_eq!(ends(&store, "order-2", "3", false).await, AfterEnd::Nothing);
    assert_eq!(notional(&store, &it.key).await, dec("65"), "five, each at the dearer price");
    // What the first of them is told to have filled later counts too.
    assert_eq!(ends(&store, "order-1", "4", true).await, settled("-26"));
    assert_eq!(notional(&store, &it.key).await, dec("91"));
}

async fn an_end_waits_for_the_replacement_under_way(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    placed(&store, &it.key, "10", "10", "order-1").await;
    let replacement = order(&store, &it.key, "5", "10", Some(("order-1", "10"))).await;
    assert_eq!(ends(&store, "order-1", "0", true).await, AfterEnd::Waits);
    confirm(&store, &replacement, "order-2").await;
    assert_eq!(ends(&store, "order-1", "0", true).await, AfterEnd::Nothing);
    assert_eq!(ends(&store, "order-2", "5", false).await, settled("50"));
    assert_eq!(notional(&store, &it.key).await, dec("50"), "what the smaller order filled");
}

async fn an_order_that_others_replaced_is_over(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    placed(&store, &it.key, "10", "10", "order-1").await;
    let refused = order(&store, &it.key, "20", "10", Some(("order-1", "10"))).await;
    let released = Settlement::Released { status: Some(422) };
    store.settle(refused.request, &released, at()).await.unwrap();
    assert_eq!(ends(&store, "order-1", "1", true).await, settled("90"));
}

async fn only_confirmed_orders_end(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    order(&store, &it.key, "10", "10", None).await;
    assert_eq!(store.working_charges(it.connection.id).await.unwrap(), []);
    let released = order(&store, &it.key, "10", "10", None).await;
    store.settle(released.request, &Settlement::Released { status: Some(403) }, at()).await.unwrap();
    assert_eq!(store.working_charges(it.connection.id).await.unwrap(), []);
    assert_eq!(notional(&store, &it.key).await, dec("100"));
}

async fn figures(store: &Store) -> Figures {
    Figures { since: store.audit_head().await.unwrap().0, named: [].into(), trading_day: day() }
}

async fn the_figures_miss_what_is_on_its_way(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let unseen = async |figures: &Figures| store.unseen_exposure(it.connection.id, figures).await.unwrap();
    placed(&store, &it.key, "1", "1", "order-1").await;
    let open = order(&store, &it.key, "1", "10", None).await;
    let early = figures(&store).await;
    assert_eq!(unseen(&early).await, Some(dec("10")), "what was answered before is among the figures");
    let other = access_key(it.connection.id, "other", trader());
    store.insert_key(&other, &PERSON, at()).await.unwrap();
    placed(&store, &other, "1", "100", "order-2").await;
    confirm(&store, &open, "order-3").await;
    assert_eq!(unseen(&early).await, Some(dec("110")), "whoever ordered, and what was answered since");
    let released = order(&store, &it.key, "1", "1000", None).await;
    assert_eq!(unseen(&early).await, Some(dec("1110")));
    store.settle(released.request, &Settlement::Released { status: Some(403) }, at()).await.unwrap();
    assert_eq!(unseen(&early).await, Some(dec("110")));
    assert_eq!(unseen(&figures(&store).await).await, Some(dec("0")));
}

async fn the_figures_show_what_is_among_them_by_name(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let intent = order(&store, &it.key, "1", "10", None).await;
    let mut figures = figures(&store).await;
    figures.named.extend(intent.client_order_id);
    assert_eq!(store.unseen_exposure(it.connection.id, &figures).await.unwrap(), Some(dec("0")));
}

async fn a_request_that_cannot_be_on_its_way_any_more_is_among_the_figures(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let intent = order(&store, &it.key, "1", "10", None).await;
    store.settle(intent.request, &Settlement::Unknown, at()).await.unwrap();
    let unseen = async || store.unseen_exposure(it.connection.id, &figures(&store).await).await.unwrap();
    assert_eq!(unseen().await, Some(dec("10")));
    store.no_longer_on_its_way(intent.request).await.unwrap();
    assert_eq!(unseen().await, Some(dec("0")));
    assert_eq!(notional(&store, &it.key).await, dec("10"), "what is unknown stays charged");
}

async fn a_loss_stops_a_key_for_its_day(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let records = store.audit_head().await.unwrap().0;
    for loss in ["250", "300", "260"] {
        store.stop_for_loss(it.key.id, day(), dec(loss), at()).await.unwrap();
    }
    assert_eq!(store.worst_loss(it.key.id, day()).await.unwrap(), dec("300"));
    assert_eq!(store.worst_loss(it.key.id, day().tomorrow().unwrap()).await.unwrap(), dec("0"));
    assert_eq!(store.audit_head().await.unwrap().0, records + 1);
    drop(store);
    assert_eq!(database.open().await.worst_loss(it.key.id, day()).await.unwrap(), dec("300"));
}

#[derive(Clone, Debug)]
enum Step {
    Place(i64, i64),
    Replace(usize, i64, i64),
    Confirm(usize),
    Refuse(usize),
    Fill(usize, i64),
    Cancel(usize),
    /// The broker's state of an order is told to Paddock, as it is now.
    Tell(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = || (1_i64..20, 1_i64..20);
    let step = prop_oneof![
        3 => size().prop_map(|(shares, price)| Step::Place(shares, price)),
        2 => (any::<usize>(), size()).prop_map(|(which, (shares, price))| Step::Replace(which, shares, price)),
        4 => any::<usize>().prop_map(Step::Confirm),
        1 => any::<usize>().prop_map(Step::Refuse),
        3 => (any::<usize>(), 1_i64..20).prop_map(|(which, shares)| Step::Fill(which, shares)),
        2 => any::<usize>().prop_map(Step::Cancel),
        4 => any::<usize>().prop_map(Step::Tell),
    ];
    prop::collection::vec(step, 1..40)
}

/// What the broker and Paddock know of one order.
struct Life {
    intent: Intent,
    shares: i64,
    price: i64,
    /// The life that it replaces.
    replaces: Option<usize>,
    /// The broker has it.
    accepted: bool,
    refused: bool,
    confirmed: bool,
    /// What the orders before it had filled when it came in their place.
    inherited: i64,
    filled: i64,
    over: bool,
    replaced: bool,
}

async fn any_life_of_orders_keeps_usage_at_what_is_filled_or_may_fill(database: Database) {
    let store = database.open().await;
    let it = furnish(&store, trader()).await;
    let handle = tokio::runtime::Handle::current();
    let (store, connection) = (&store, it.connection.id);
    tokio::task::block_in_place(|| {
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            cases: 32,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        runner.run(&steps(), |steps| handle.block_on(check_life(store, connection, steps))).unwrap();
    });
    store.verify_audit().await.unwrap();
}

fn name(key: &AccessKey, life: usize) -> String {
    format!("{}-{life}", key.id)
}

async fn check_life(
    store: &Store,
    connection: paddock_core::id::ConnectionId,
    steps: Vec<Step>,
) -> Result<(), TestCaseError> {
    let mut key = access_key(connection, "", trader());
    key.name = format!("bot {}", key.id);
    store.insert_key(&key, &PERSON, at()).await.unwrap();
    let mut lives: Vec<Life> = Vec::new();
    for step in steps {
        live(store, &key, &mut lives, step).await;
        let used = notional(store, &key).await;
        prop_assert!(used >= at_least(&lives), "{used} is less than {}", at_least(&lives));
    }
    // Everything ends, and is told: what is left is what was filled.
    for which in 0..lives.len() {
        live(store, &key, &mut lives, Step::Confirm(which)).await;
        live(store, &key, &mut lives, Step::Cancel(which)).await;
    }
    for _ in 0..2 {
        for which in 0..lives.len() {
            live(store, &key, &mut lives, Step::Tell(which)).await;
        }
    }
    let used = notional(store, &key).await;
    prop_assert!(used >= at_least(&lives));
    if lives.iter().all(|life| life.replaces.is_none()) {
        prop_assert_eq!(used, at_least(&lives));
    }
    if lives.iter().all(|life| life.filled == 0) {
        prop_assert_eq!(used, Decimal::ZERO);
    }
    prop_assert!(store.working_charges(connection).await.unwrap().iter().all(|one| one.key != key.id));
    Ok(())
}

/// Dollars that were filled, or still may be.
fn at_least(lives: &[Life]) -> Decimal {
    let of = |life: &Life| match (life.refused, life.over) {
        (true, _) => 0,
        (false, true) => life.filled * life.price,
        (false, false) => (life.shares - life.inherited) * life.price,
    };
    // A replacement that is on its way may or may not come in the place of its order, which is counted until then.
    let counts = |life: &&Life| life.replaces.is_none() || life.accepted;
    Decimal::from(lives.iter().filter(counts).map(of).sum::<i64>())
}

async fn live(store: &Store, key: &AccessKey, lives: &mut Vec<Life>, step: Step) {
    let count = lives.len();
    let at_step = |which: usize| which.checked_rem(count);
    match step {
        Step::Place(shares, price) => {
            let intent = order(store, key, &shares.to_string(), &price.to_string(), None).await;
            lives.push(new_life(intent, shares, price, None));
        }
        Step::Replace(which, shares, price) => {
            let Some(which) = at_step(which) else { return };
            // Only what was confirmed has a name.
            if !lives[which].confirmed || lives[which].refused || lives[which].over {
                return;
            }
            let (before, units) = (name(key, which), lives[which].shares.to_string());
            let replaces = Some((before.as_str(), units.as_str()));
            let intent = order(store, key, &shares.to_string(), &price.to_string(), replaces).await;
            lives.push(new_life(intent, shares, price, Some(which)));
        }
        Step::Confirm(which) => {
            let Some(which) = at_step(which) else { return };
            if lives[which].confirmed || lives[which].refused {
                return;
            }
            if let Some(before) = lives[which].replaces {
                // The new quantity includes what is filled already.
                let inherited = lives[before].inherited + lives[before].filled;
                if lives[before].over || lives[which].shares <= inherited {
                    return refuse(store, &mut lives[which]).await;
                }
                lives[which].inherited = inherited;
                (lives[before].over, lives[before].replaced) = (true, true);
            }
            (lives[which].accepted, lives[which].confirmed) = (true, true);
            confirm(store, &lives[which].intent, &name(key, which)).await;
        }
        Step::Refuse(which) => {
            let Some(which) = at_step(which) else { return };
            if !lives[which].confirmed {
                refuse(store, &mut lives[which]).await;
            }
        }
        Step::Fill(which, shares) => {
            let Some(life) = at_step(which).map(|which| &mut lives[which]) else { return };
            if life.accepted && !life.over {
                life.filled = (life.filled + shares).min(life.shares - life.inherited);
                life.over = life.filled == life.shares - life.inherited;
            }
        }
        Step::Cancel(which) => {
            let Some(life) = at_step(which).map(|which| &mut lives[which]) else { return };
            life.over |= life.accepted;
        }
        Step::Tell(which) => {
            let Some(which) = at_step(which) else { return };
            let life = &lives[which];
            if life.over {
                ends(store, &name(key, which), &life.filled.to_string(), life.replaced).await;
            }
        }
    }
}

async fn refuse(store: &Store, life: &mut Life) {
    life.refused = true;
    store.settle(life.intent.request, &Settlement::Released { status: Some(422) }, at()).await.unwrap();
}

fn new_life(intent: Intent, shares: i64, price: i64, replaces: Option<usize>) -> Life {
    Life {
        intent,
        shares,
        price,
        replaces,
        accepted: false,
        refused: false,
        confirmed: false,
        inherited: 0,
        filled: 0,
        over: false,
        replaced: false,
    }
}
