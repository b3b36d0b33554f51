//! What a key that sees only its own orders reads of an account.
//!
//! Lists are read from the broker page by page until what the program asked for is filled from its own, or nothing is left. Whatever stands
//! in the way of an exact answer is a refusal.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use paddock_alpaca::operation::Orders;
use paddock_alpaca::path::Query;
use paddock_alpaca::wire::OrderIdentity;
use paddock_alpaca::wire::identity::{ActivityIdentity, listed, orders_in_answer};
use paddock_alpaca::{AlpacaError, Credential};
use paddock_core::Permit;
use paddock_core::decide::Reach;
use paddock_core::id::{AccessKeyId, RequestId};
use uuid::Uuid;

use super::ledger::{Ledger, sender, unreadable};
use super::pages::{ACTIVITIES_AT_ONCE, MOST_PAGES, ORDERS_AT_ONCE, OrderPages, count, with};
use super::touch::{foreign, refused};
use crate::answer::{AnswerBody, Fault};
use crate::authenticate::Grant;
use crate::budget::Priority;
use crate::door::{Arrival, first_decision, open_credential};
use crate::halt::rotation;
use crate::lane::Lane;
use crate::meter::Meter;
use crate::observe::{WholeAnswer, read_whole};
use crate::read::Reading;
use crate::shared::Shared;
use crate::stop::Stop;
use crate::target::Target;
use crate::upstream::NoAnswer;

const TOO_MANY: &str = "more orders of others are in between than are looked through at once: narrow the list by time or symbols";

/// Answers a read of what others have part in with what is the key's own. If the pair is replaced meanwhile, all of it is read anew.
pub(crate) async fn read(
    lane: &Lane,
    mut permit: Permit,
    reading: Reading,
) -> Result<Response<AnswerBody>, Stop> {
    let shared = Arc::clone(&lane.shared);
    let (arrival, target, grant) = (reading.arrival, reading.target.clone(), reading.grant.clone());
    let task = lane.main.spawn(async move {
        let Reading { arrival, mut grant, target, headers, entered } = reading;
        loop {
            let credential = open_credential(&shared, &grant)?;
            let reader = Reader {
                shared: &shared,
                target: target.clone(),
                grant: grant.clone(),
                headers: &headers,
                credential: &credential,
                request: arrival.request,
                meter: Arc::clone(entered.meter()),
                priority: Priority::Read,
                decides_again: Some(arrival),
            };
            let stop = match reader.answer(permit).await {
                Err(stop) => stop,
                answer => return answer,
            };
            if !rotation::has_another_credential(&shared, &grant.entry().connection, &stop).await? {
                return Err(stop);
            }
            grant = grant.renewed(&shared.directory.load()).ok_or_else(Fault::invalid_credential)?;
            permit = first_decision(&shared, arrival, &grant, &target, target.reading())?;
        }
    });
    match task.await.unwrap_or_else(|_| Err(Fault::upstream_failed().into())) {
        Err(stop) => Err(lane.record_refusal(arrival, &grant, Some(&target), stop).await),
        answer => answer,
    }
}

/// Reads the broker for a key.
pub(super) struct Reader<'a> {
    pub(super) shared: &'a Shared,
    pub(super) target: Target,
    pub(super) grant: Grant,
    pub(super) headers: &'a HeaderMap,
    pub(super) credential: &'a Credential,
    pub(super) request: RequestId,
    /// For each request to the broker its turn is waited for.
    pub(super) meter: Arc<Meter>,
    pub(super) priority: Priority,
    /// Set for a read: while it waited, the key may have been frozen, changed or revoked. A change is decided when it is reserved.
    pub(super) decides_again: Option<Arrival>,
}

impl Reader<'_> {
    async fn answer(&self, _permit: Permit) -> Result<Response<AnswerBody>, Stop> {
        match self.target.operation.orders() {
            Orders::One => self.one().await,
            Orders::OneByName => self.one_by_name().await,
            Orders::List => self.orders().await,
            Orders::Activities => self.activities().await,
            // The rest is told as it happens, or changes something.
            _ => Err(self.too_wide("listen to trade updates, and read the list of activities")),
        }
    }

    fn key(&self) -> AccessKeyId {
        self.grant.entry().key.id
    }

    pub(super) fn ledger(&self) -> Ledger<'_> {
        Ledger { shared: self.shared, connection: self.grant.entry().connection.connection.id }
    }

    fn too_wide(&self, what: &str) -> Stop {
        refused(&self.grant, Reach::Others(what))
    }

    /// One answer of the broker's, whole.
    async fn fetch(&self, query: &Query) -> Result<WholeAnswer, Stop> {
        let environment = self.grant.entry().connection.connection.environment;
        let host = self.shared.client.endpoints().host_of(self.target.operation.api, environment);
        let url = host.target(&self.target.path, query);
        let asker = self.meter.asker(self.priority);
        let budget = Arc::clone(self.meter.budget(self.target.operation.api, self.shared.clock.now()));
        let mut ticket = budget.acquire(&self.shared.clock, asker, budget.patience(asker.priority)).await?;
        if let (true, Some(arrival)) = (ticket.was_waited_for(), self.decides_again) {
            let directory = self.shared.directory.load();
            let grant = self.grant.renewed(&directory).ok_or_else(Fault::invalid_credential)?;
            // The permit that there is covers no more than the first decision did.
            first_decision(self.shared, arrival, &grant, &self.target, self.target.reading()).map(drop)?;
        }
        ticket.sent();
        let sent = self
            .shared
            .for_changes
            .send(&url, Method::GET, Bytes::new(), self.headers, self.credential)
            .await;
        match sent {
            Ok(response) => {
                ticket.answered(response.status(), response.headers());
                Ok(read_whole(response, self.credential).await?)
            }
            Err(NoAnswer::NotSent) => Err(Fault::upstream_unreachable().into()),
            Err(NoAnswer::Broken) => Err(Fault::upstream_failed().into()),
            Err(NoAnswer::Timeout) => Err(Fault::upstream_timeout().into()),
        }
    }

    async fn one(&self) -> Result<Response<AnswerBody>, Stop> {
        let name = self.target.params.get("order_id").unwrap_or_default();
        let Ok(id) = Uuid::parse_str(name) else { return Err(Stop::Alpaca(AlpacaError::order_id_missing())) };
        let owner = self.ledger().owner(id).await.map_err(unreadable)?;
        self.one_of(owner, name).await
    }

    async fn one_by_name(&self) -> Result<Response<AnswerBody>, Stop> {
        let Some(name) = self.target.query.get("client_order_id") else {
            // Alpaca's own complaint.
            return Ok(self.fetch(&self.target.query).await?.into_response(self.request));
        };
        let connection = self.grant.entry().connection.connection.id;
        let owner = self.shared.store.placed_by_name(connection, name).await.map_err(unreadable)?;
        self.one_of(owner, name).await
    }

    /// An order that is of `owner`, as far as that is known.
    async fn one_of(&self, owner: Option<AccessKeyId>, name: &str) -> Result<Response<AnswerBody>, Stop> {
        if owner.is_some_and(|owner| owner != self.key()) {
            return Err(foreign(&self.grant, name));
        }
        let answer = self.fetch(&self.target.query).await?;
        if owner.is_some() || answer.status != StatusCode::OK {
            return Ok(answer.into_response(self.request));
        }
        let told = orders_in_answer(&answer.body).into_iter().next().ok_or_else(Fault::upstream_unsafe)?;
        let asking = self
            .shared
            .asking(&self.grant.entry().connection, self.credential, self.meter.asker(self.priority))
            .map_err(|_| Fault::credential_unreadable())?;
        match self.ledger().traced(&asking, told).await? {
            Some(owner) if owner == self.key() => Ok(answer.into_response(self.request)),
            _ => Err(foreign(&self.grant, name)),
        }
    }

    async fn orders(&self) -> Result<Response<AnswerBody>, Stop> {
        let query = &self.target.query;
        let limit = count(query, "limit", 50, ORDERS_AT_ONCE).map_err(Stop::Alpaca)?;
        for name in ["before_order_id", "after_order_id"] {
            if let Some(stated) = query.get(name) {
                let owner = match Uuid::parse_str(stated) {
                    Ok(id) => self.ledger().owner(id).await.map_err(unreadable)?,
                    Err(_) => None,
                };
                if owner != Some(self.key()) {
                    return Err(foreign(&self.grant, stated));
                }
            }
        }
        let (answer, mut own) = self.own_orders(query, limit).await?;
        if answer.status == StatusCode::OK {
            own.truncate(limit);
            let texts: Vec<&str> = own.iter().map(|(_, text)| text.as_str()).collect();
            return Ok(answer.with_body(format!("[{}]", texts.join(",")).into()).into_response(self.request));
        }
        Ok(answer.into_response(self.request))
    }

    /// The key's own orders of a list, at least so many if there are so many, as they came; with the broker's last answer, which is another
    /// than 200 when the broker refused.
    pub(super) async fn own_orders(
        &self,
        query: &Query,
        enough: usize,
    ) -> Result<(WholeAnswer, Vec<(Uuid, String)>), Stop> {
        let mut pages = OrderPages::of(query).map_err(Stop::Alpaca)?;
        let mut own = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.fetch(pages.query()).await?;
            if answer.status != StatusCode::OK {
                return Ok((answer, own));
            }
            let page = listed::<OrderIdentity>(&answer.body).ok_or_else(Fault::upstream_unsafe)?;
            let new: Vec<_> = page.iter().filter(|item| pages.is_new(&item.what)).collect();
            let owners = self.owners(new.iter().map(|item| &item.what).collect()).await?;
            let of_key = |id: &Uuid| owners.get(id) == Some(&self.key());
            own.extend(
                new.iter()
                    .filter(|item| of_key(&item.what.id))
                    .map(|item| (item.what.id, item.raw.to_owned())),
            );
            let any_new = !new.is_empty();
            let identities: Vec<OrderIdentity> = page.iter().map(|item| item.what.clone()).collect();
            if identities.len() < ORDERS_AT_ONCE || own.len() >= enough {
                return Ok((answer, own));
            }
            if !pages.turn(&identities, any_new) {
                break;
            }
        }
        Err(self.too_wide(TOO_MANY))
    }

    /// Whose these are. An order that took the place of one of them, or of one that is known, is of the same key.
    async fn owners(&self, orders: Vec<&OrderIdentity>) -> Result<HashMap<Uuid, AccessKeyId>, Stop> {
        let ledger = self.ledger();
        let ids = orders.iter().flat_map(|order| {
            std::iter::once(order.id).chain(order.replaces).chain(order.legs.iter().map(|leg| leg.id))
        });
        let mut owners = ledger.owners(ids.collect()).await.map_err(unreadable)?;
        let mut sent = None;
        let mut learnt: HashSet<Uuid> = HashSet::new();
        loop {
            let before = learnt.len();
            for order in &orders {
                let inherited = order.replaces.and_then(|replaced| owners.get(&replaced)).copied();
                if let (false, Some(key)) = (owners.contains_key(&order.id), inherited) {
                    owners.insert(order.id, key);
                    learnt.insert(order.id);
                }
            }
            if learnt.len() == before {
                break;
            }
        }
        for order in &orders {
            match owners.get(&order.id) {
                Some(key) => {
                    let lacks = order.legs.iter().any(|leg| !owners.contains_key(&leg.id));
                    if lacks || learnt.contains(&order.id) {
                        ledger.note(*key, &[(*order).clone()]).await.map_err(unreadable)?;
                    }
                }
                None => {
                    if sent.is_none() {
                        sent = Some(self.shared.store.sent(ledger.connection).await.map_err(unreadable)?);
                    }
                    if let Some(key) = sent.as_deref().and_then(|sent| sender(sent, order)) {
                        owners.insert(order.id, key);
                    }
                }
            }
        }
        Ok(owners)
    }

    async fn activities(&self) -> Result<Response<AnswerBody>, Stop> {
        let query = &self.target.query;
        let size = count(query, "page_size", ACTIVITIES_AT_ONCE, ACTIVITIES_AT_ONCE).map_err(Stop::Alpaca)?;
        // A day comes in one page, unless the program wants less at once.
        let whole_day = query.get("date").is_some() && query.get("page_size").is_none();
        let at_once = ACTIVITIES_AT_ONCE.to_string();
        let mut next = if whole_day { query.clone() } else { with(query, &[("page_size", &at_once)]) };
        let mut own: Vec<String> = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.fetch(&next).await?;
            if answer.status != StatusCode::OK {
                return Ok(answer.into_response(self.request));
            }
            let page = listed::<ActivityIdentity>(&answer.body).ok_or_else(Fault::upstream_unsafe)?;
            let orders = page.iter().filter_map(|item| item.what.order().flatten()).collect();
            let owners = self.ledger().owners(orders).await.map_err(unreadable)?;
            let is_own = |activity: &ActivityIdentity| match activity.order() {
                None => true,
                Some(order) => order.and_then(|order| owners.get(&order)) == Some(&self.key()),
            };
            own.extend(page.iter().filter(|item| is_own(&item.what)).map(|item| item.raw.to_owned()));
            let last = page.last().map(|item| item.what.id.clone());
            let is_all = whole_day || page.len() < ACTIVITIES_AT_ONCE;
            if is_all || own.len() >= size {
                if !whole_day {
                    own.truncate(size);
                }
                let body = format!("[{}]", own.join(","));
                return Ok(answer.with_body(body.into()).into_response(self.request));
            }
            let Some(last) = last else { break };
            next = with(&next, &[("page_token", &last)]);
        }
        Err(self.too_wide(TOO_MANY))
    }
}
