//! Orders as Alpaca answers them.

use jiff::Timestamp;
use paddock_core::Symbol;
use paddock_core::order::{
    Amount, OrderClass, OrderLeg, OrderRequest, OrderType, Side, StopLoss, TakeProfit, TimeInForce,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::decimal::text_option;
use super::word_or_nothing;
use super::words::{OrderStatus, PositionIntent};

/// An order. Prices in dollars, money and quantities as texts, times in UTC with up to nine decimals. Members that have no
/// value are written as `null`, as Alpaca does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Alpaca's identity of the order.
    pub id: Uuid,
    /// The client's own name for it, or one that Alpaca made.
    #[serde(default)]
    pub client_order_id: String,
    /// When it was made.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
    /// When it last changed.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
    /// When it was submitted.
    #[serde(default)]
    pub submitted_at: Option<Timestamp>,
    /// When it was filled.
    #[serde(default)]
    pub filled_at: Option<Timestamp>,
    /// When it expired.
    #[serde(default)]
    pub expired_at: Option<Timestamp>,
    /// When it will expire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was canceled.
    #[serde(default)]
    pub canceled_at: Option<Timestamp>,
    /// When it failed.
    #[serde(default)]
    pub failed_at: Option<Timestamp>,
    /// When it was replaced.
    #[serde(default)]
    pub replaced_at: Option<Timestamp>,
    /// The order that took its place.
    #[serde(default, with = "word_or_nothing")]
    pub replaced_by: Option<Uuid>,
    /// The order whose place it took.
    #[serde(default, with = "word_or_nothing")]
    pub replaces: Option<Uuid>,
    /// The asset; absent for a multi-leg order.
    #[serde(default, with = "word_or_nothing")]
    pub asset_id: Option<Uuid>,
    /// The symbol; empty or absent for a multi-leg order.
    #[serde(default)]
    pub symbol: Option<String>,
    /// The asset class in Alpaca's spelling; empty or absent for a multi-leg order.
    #[serde(default)]
    pub asset_class: Option<String>,
    /// Dollars, when it was ordered in dollars.
    #[serde(default, with = "text_option")]
    pub notional: Option<Decimal>,
    /// Quantity, when it was ordered by quantity.
    #[serde(default, with = "text_option")]
    pub qty: Option<Decimal>,
    /// How much of it is filled.
    #[serde(default, with = "text_option")]
    pub filled_qty: Option<Decimal>,
    /// The average price of what is filled.
    #[serde(default, with = "text_option")]
    pub filled_avg_price: Option<Decimal>,
    /// How it hangs together with others. Alpaca writes an empty text for a simple order.
    #[serde(default = "simple", with = "order_class")]
    pub order_class: OrderClass,
    /// The same as `type`, under its older name.
    #[serde(default, with = "word_or_nothing")]
    pub order_type: Option<OrderType>,
    /// How it finds its price.
    #[serde(default, rename = "type", with = "word_or_nothing")]
    pub kind: Option<OrderType>,
    /// Which way; absent for a multi-leg order.
    #[serde(default, with = "word_or_nothing")]
    pub side: Option<Side>,
    /// Whether it opens or closes a position.
    #[serde(default, with = "word_or_nothing", skip_serializing_if = "Option::is_none")]
    pub position_intent: Option<PositionIntent>,
    /// How long it lives.
    #[serde(default, with = "word_or_nothing")]
    pub time_in_force: Option<TimeInForce>,
    /// The limit price.
    #[serde(default, with = "text_option")]
    pub limit_price: Option<Decimal>,
    /// The stop price.
    #[serde(default, with = "text_option")]
    pub stop_price: Option<Decimal>,
    /// Where it is in its life; absent when Alpaca has a word that Paddock does not know.
    #[serde(default, with = "word_or_nothing")]
    pub status: Option<OrderStatus>,
    /// Whether it may fill outside the regular session.
    #[serde(default)]
    pub extended_hours: bool,
    /// The exits of a bracket, or the legs of a multi-leg order.
    #[serde(default)]
    pub legs: Option<Vec<Order>>,
    /// The trail in percent.
    #[serde(default, with = "text_option")]
    pub trail_percent: Option<Decimal>,
    /// The trail in dollars.
    #[serde(default, with = "text_option")]
    pub trail_price: Option<Decimal>,
    /// The best price since a trailing stop was submitted.
    #[serde(default, with = "text_option")]
    pub hwm: Option<Decimal>,
    /// For a leg, how many of it for each unit of the order.
    #[serde(default, with = "text_option", skip_serializing_if = "Option::is_none")]
    pub ratio_qty: Option<Decimal>,
    /// A partner's tag.
    #[serde(default)]
    pub subtag: Option<String>,
    /// Where it came from.
    #[serde(default)]
    pub source: Option<String>,
}

const fn simple() -> OrderClass {
    OrderClass::Simple
}

/// The order lacks what Paddock must know of it; the text names it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker's order has no usable `{0}`")]
pub struct OrderUnreadable(pub &'static str);

impl Order {
    /// An order with this id and nothing else in it, to be filled in.
    #[must_use]
    pub fn empty(id: Uuid) -> Self {
        Self {
            id,
            client_order_id: String::new(),
            created_at: None,
            updated_at: None,
            submitted_at: None,
            filled_at: None,
            expired_at: None,
            expires_at: None,
            canceled_at: None,
            failed_at: None,
            replaced_at: None,
            replaced_by: None,
            replaces: None,
            asset_id: None,
            symbol: None,
            asset_class: None,
            notional: None,
            qty: None,
            filled_qty: None,
            filled_avg_price: None,
            order_class: OrderClass::Simple,
            order_type: None,
            kind: None,
            side: None,
            position_intent: None,
            time_in_force: None,
            limit_price: None,
            stop_price: None,
            status: None,
            extended_hours: false,
            legs: None,
            trail_percent: None,
            trail_price: None,
            hwm: None,
            ratio_qty: None,
            subtag: None,
            source: None,
        }
    }

    /// The symbol in its canonical spelling.
    #[must_use]
    pub fn parsed_symbol(&self) -> Option<Symbol> {
        self.symbol.as_deref().and_then(|symbol| Symbol::parse(symbol).ok())
    }

    /// The request that would have made this order. Its exits are known only when the legs were asked for (`nested=true`).
    ///
    /// # Errors
    /// [`OrderUnreadable`] when a member is missing that decides what the order does.
    pub fn to_request(&self) -> Result<OrderRequest, OrderUnreadable> {
        let legs = self.legs.as_deref().unwrap_or_default();
        let is_mleg = self.order_class == OrderClass::Mleg;
        let first = if is_mleg { legs.first() } else { None };
        let symbol = self
            .parsed_symbol()
            .or_else(|| first.and_then(Self::parsed_symbol))
            .ok_or(OrderUnreadable("symbol"))?;
        let side = self.side.or_else(|| first.and_then(|leg| leg.side)).ok_or(OrderUnreadable("side"))?;
        let amount = match (self.qty, self.notional) {
            (Some(quantity), _) => Amount::Quantity(quantity),
            (None, Some(notional)) => Amount::Notional(notional),
            (None, None) => return Err(OrderUnreadable("qty")),
        };
        let exits = if is_mleg { &[] } else { legs };
        let exit_of = |wanted: fn(OrderType) -> bool| {
            exits.iter().find(|exit| exit.kind.or(exit.order_type).is_some_and(wanted))
        };
        let take_profit = exit_of(|kind| kind == OrderType::Limit)
            .and_then(|exit| exit.limit_price)
            .map(|limit_price| TakeProfit { limit_price });
        let stop_loss =
            exit_of(|kind| matches!(kind, OrderType::Stop | OrderType::StopLimit)).and_then(|exit| {
                exit.stop_price.map(|stop_price| StopLoss { stop_price, limit_price: exit.limit_price })
            });
        let option_leg = |leg: &Self| {
            Ok(OrderLeg {
                symbol: leg.parsed_symbol().ok_or(OrderUnreadable("legs"))?,
                side: leg.side.or_else(|| leg.position_intent.map(PositionIntent::side)),
                ratio_quantity: leg.ratio_qty.unwrap_or(Decimal::ONE),
            })
        };
        Ok(OrderRequest {
            symbol,
            side,
            order_type: self.kind.or(self.order_type).ok_or(OrderUnreadable("type"))?,
            time_in_force: self.time_in_force.ok_or(OrderUnreadable("time_in_force"))?,
            amount,
            limit_price: self.limit_price,
            stop_price: self.stop_price,
            trail_price: self.trail_price,
            trail_percent: self.trail_percent,
            extended_hours: self.extended_hours,
            order_class: self.order_class,
            take_profit,
            stop_loss,
            legs: if is_mleg { legs.iter().map(option_leg).collect::<Result<_, _>>()? } else { Vec::new() },
            client_order_id: Some(self.client_order_id.clone()).filter(|id| !id.is_empty()),
        })
    }
}

/// One entry of the answer to `DELETE /v2/orders` (status 207).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanceledOrder {
    /// The order.
    pub id: Uuid,
    /// The HTTP status that its own cancel would have had.
    pub status: u16,
}

mod order_class {
    use paddock_core::order::OrderClass;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(class: &OrderClass, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if *class == OrderClass::Simple { "" } else { class.as_str() })
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OrderClass, D::Error> {
        match Option::<String>::deserialize(deserializer)?.as_deref() {
            None | Some("") => Ok(OrderClass::Simple),
            Some(class) => class.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// The id of the order that an answer of the broker speaks of, if it speaks of one; nothing else of the answer is read.
#[must_use]
pub fn id_in_answer(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Identified {
        id: Uuid,
    }
    serde_json::from_slice::<Identified>(body).ok().map(|order| order.id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::dec;

    /// The example of Alpaca's OpenAPI document.
    const CRYPTO: &str = r#"{"id":"38e482f3-79a8-4f75-a057-f07a1ec6a397","client_order_id":"5b5d3d67-06ad-4ffa-af65-a117d0fc5a59","created_at":"2023-12-12T22:36:51.337711497Z","updated_at":"2023-12-12T22:36:51.337754768Z","submitted_at":"2023-12-12T22:36:51.313261061Z","filled_at":null,"expired_at":null,"canceled_at":null,"failed_at":null,"replaced_at":null,"replaced_by":null,"replaces":null,"asset_id":"a1733398-6acc-4e92-af24-0d0667f78713","symbol":"ETH/USD","asset_class":"crypto","notional":null,"qty":"0.02","filled_qty":"0","filled_avg_price":null,"order_class":"","order_type":"limit","type":"limit","side":"buy","time_in_force":"gtc","limit_price":"2100","stop_price":null,"status":"pending_new","extended_hours":false,"legs":null,"trail_percent":null,"trail_price":null,"hwm":null,"subtag":null,"source":null}"#;

    #[test]
    fn alpacas_own_example_is_written_as_it_was_read() {
        let order: Order = serde_json::from_str(CRYPTO).unwrap();
        assert_eq!(serde_json::to_string(&order).unwrap(), CRYPTO);
    }

    #[test]
    fn the_request_behind_an_order() {
        let order: Order = serde_json::from_str(CRYPTO).unwrap();
        let request = order.to_request().unwrap();
        assert_eq!(request.symbol.as_str(), "ETH/USD");
        assert_eq!(request.amount, Amount::Quantity(dec("0.02")));
        assert_eq!((request.order_type, request.limit_price), (OrderType::Limit, Some(dec("2100"))));
    }

    #[test]
    fn a_multi_leg_order_has_no_symbol_of_its_own() {
        let json = r#"{"id":"38e482f3-79a8-4f75-a057-f07a1ec6a397","symbol":"","side":"","asset_id":"","order_class":"mleg",
            "qty":"1","type":"market","time_in_force":"day","status":"something_new","legs":[
            {"id":"48e482f3-79a8-4f75-a057-f07a1ec6a397","symbol":"AAPL261218C00150000","side":"buy","ratio_qty":"2"}]}"#;
        let order: Order = serde_json::from_str(json).unwrap();
        assert_eq!((order.side, order.asset_id, order.status), (None, None, None));
        let request = order.to_request().unwrap();
        assert_eq!(request.symbol.as_str(), "AAPL261218C00150000");
        assert_eq!(request.legs[0].ratio_quantity, dec("2"));
    }

    #[test]
    fn an_order_without_type_is_unreadable() {
        let mut order: Order = serde_json::from_str(CRYPTO).unwrap();
        (order.kind, order.order_type) = (None, None);
        assert_eq!(order.to_request(), Err(OrderUnreadable("type")));
    }
}
