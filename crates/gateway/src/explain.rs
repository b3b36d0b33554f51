//! What would become of an order, without sending it.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use paddock_core::calendar::trading_date;
use paddock_core::decide::{self, AccountFigures, Act, Decision, Figure, Quote};
use paddock_core::id::{AccessKeyId, RequestId};
use paddock_core::{PermissionClass, Refusal, Scope, Usage, decide as decide_request};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::GatewayError;
use crate::budget::{Asker, Priority};
use crate::facts::FactFinder;
use crate::requests::Outcome;
use crate::shared::Shared;
use crate::stop::Stop;
use crate::target::{read_new_order, summary};

/// What would become of an order if it came now.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// When that was asked.
    pub at: Timestamp,
    /// The order in one line, where it can be read.
    pub order: Option<String>,
    /// What it would be decided by: the market's price, where the scope makes it matter.
    pub market_price: Option<Decimal>,
    /// The body as the broker would get it, where it would get one.
    pub would_send: Option<String>,
    /// What the access key has used of its caps today.
    pub orders_today: u32,
    /// Dollars used of its caps today.
    pub notional_today: Decimal,
    /// Dollars that the account has in positions and in orders that open, where the scope limits that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_exposure: Option<Decimal>,
    /// Dollars that the account has lost today, where the scope limits that; negative for a gain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily_loss: Option<Decimal>,
    /// How many requests the access key may make in this minute, where its scope limits that.
    pub requests_left: Option<u32>,
    /// What it would take from the caps, if it may pass: how many orders.
    pub orders: Option<u32>,
    /// And how many dollars.
    pub notional: Option<Decimal>,
    /// Whether it may pass, and why not.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The values that decided it, by name.
    pub numbers: std::collections::BTreeMap<String, String>,
}

/// Decides an order as if the access key had sent it from `network` now. Nothing is reserved, recorded or sent; a quote may be asked
/// for. `None` when there is no such key.
pub(crate) async fn explain(
    shared: &Arc<Shared>,
    key: AccessKeyId,
    order: &Bytes,
    network: IpAddr,
) -> Result<Option<Explanation>, GatewayError> {
    let directory = shared.directory.load_full();
    let Some(entry) = directory.key(key) else { return Ok(None) };
    let at = shared.clock.now();
    let mut usage = shared.store.usage(key, trading_date(at)).await?;
    let mut explanation = Explanation {
        at,
        order: None,
        market_price: None,
        would_send: None,
        orders_today: usage.orders,
        notional_today: usage.notional,
        open_exposure: None,
        daily_loss: None,
        requests_left: entry
            .key
            .scope
            .max_requests_per_minute
            .map(|most| shared.meters.of(entry).requests_left(most, at)),
        orders: None,
        notional: None,
        outcome: Outcome::Permitted,
        numbers: std::collections::BTreeMap::new(),
    };
    let request = |act| decide::Request {
        operation: "postOrder",
        class: PermissionClass::Order,
        at,
        network,
        frozen: directory.frozen(entry),
        act,
        account: AccountFigures::default(),
    };
    // As at the door, what the scope forbids as such comes first.
    if let Decision::Refuse(refusal) =
        decide_request(&entry.key.scope, &request(Act::Plain), &Usage::none(usage.day))
    {
        explanation.refused(refusal);
        return Ok(Some(explanation));
    }
    let judged = async {
        let mut parsed = read_new_order(order, RequestId::generate(at, &*shared.entropy), &entry.key.scope)?;
        let credential =
            entry.connection.open(&shared.opener).map_err(|_| crate::answer::Fault::vault_locked())?;
        let asker = Asker { key: Some(key), priority: Priority::Read };
        let asking = shared
            .asking(&entry.connection, &credential, asker)
            .map_err(|_| crate::answer::Fault::credential_unreadable())?;
        let finder = FactFinder { shared, asking, entry };
        let found = finder.new_order(&mut parsed).await.map_err(|stop| stop.without(&credential))?;
        Ok::<_, Stop>((parsed, found))
    };
    match judged.await {
        Ok((parsed, found)) => {
            explanation.order = Some(summary(&parsed.request));
            explanation.market_price =
                found.orders.first().and_then(|facts| facts.quote).map(|Quote { price, .. }| price);
            let mut request = request(Act::Orders(found.orders));
            if let Some(reading) = found.account {
                let (store, figures) = (&shared.store, &reading.figures);
                usage.unseen_exposure = store.unseen_exposure(entry.key.connection, figures).await?;
                usage.worst_loss = store.worst_loss(key, figures.trading_day).await?;
                request.account = reading.account();
                explanation.account(&entry.key.scope, &request.account, &usage);
            }
            match decide_request(&entry.key.scope, &request, &usage) {
                Decision::Permit(permit) => {
                    let charge = permit.charge();
                    (explanation.orders, explanation.notional) = (Some(charge.orders), Some(charge.notional));
                    explanation.would_send = String::from_utf8(parsed.to_json_bytes()).ok();
                }
                Decision::Refuse(refusal) => explanation.refused(refusal),
            }
        }
        Err(Stop::Refusal(refusal)) => explanation.refused(refusal),
        Err(stop) => explanation.outcome = stop.outcome(),
    }
    Ok(Some(explanation))
}

impl Explanation {
    fn account(&mut self, scope: &Scope, account: &AccountFigures, usage: &Usage) {
        if let (Some(_), Figure::Dollars(dollars)) = (scope.max_open_exposure, &account.open_exposure) {
            self.open_exposure = usage.unseen_exposure.and_then(|unseen| dollars.checked_add(unseen));
        }
        if let (Some(_), Figure::Dollars(loss)) = (scope.max_daily_loss, &account.daily_loss) {
            self.daily_loss = Some((*loss).max(usage.worst_loss));
        }
    }

    fn refused(&mut self, refusal: Refusal) {
        self.outcome = Outcome::Refused { reason: refusal.code.to_string(), message: refusal.message };
        self.numbers = refusal.numbers;
    }
}
