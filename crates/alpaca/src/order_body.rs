//! The body of `POST /v2/orders`: read strictly, and written anew from what was read.
//!
//! Checked here is what can be told from the body alone. What depends on the asset, the account or the hour, such as whether
//! fractions can be traded, is the broker's to say.

mod patch;
mod rules;
mod write;

use paddock_core::Symbol;
use paddock_core::order::{
    Amount, OrderClass, OrderLeg, OrderRequest, OrderType, Side, StopLoss, TakeProfit, TimeInForce,
};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

pub use patch::{ParsedPatch, PatchFault, parse_patch};

use rules::{check_class, check_intent, check_prices};

use crate::error::AlpacaError;
use crate::strict_json::{JsonFault, Object};
use crate::wire::PositionIntent;

/// Longest client order id, in characters.
pub const MAX_CLIENT_ORDER_ID: usize = 128;

/// Why a body was refused: how it is written, or what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// It cannot be read as what it should be.
    #[error(transparent)]
    Json(#[from] JsonFault),
    /// It says what no broker would accept; the answer is Alpaca's own.
    #[error(transparent)]
    Rule(#[from] AlpacaError),
}

impl From<&BodyFault> for AlpacaError {
    fn from(fault: &BodyFault) -> Self {
        match fault {
            BodyFault::Json(fault) => fault.into(),
            BodyFault::Rule(error) => error.clone(),
        }
    }
}

impl BodyFault {
    /// The answer that both the gateway and the paper broker give.
    #[must_use]
    pub fn to_error(&self) -> AlpacaError {
        self.into()
    }
}

/// A new order, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedOrder {
    /// What the order would do, in Paddock's own terms. The side of a multi-leg order that states none is its first leg's.
    /// The limit price of an OCO order is that of its take-profit, which is what Alpaca makes the parent order of.
    pub request: OrderRequest,
    /// Whether it opens or closes a position, where stated.
    pub position_intent: Option<PositionIntent>,
    /// How it is routed, where stated.
    pub advanced_instructions: Option<AdvancedInstructions>,
    /// The position intents of the legs, in their order; as many as the request has legs.
    pub leg_intents: Vec<Option<PositionIntent>>,
    stated: Stated,
}

/// Which optional fields the body had, so that no others are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stated {
    side: bool,
    limit_price: bool,
}

/// Instructions for Alpaca's Elite Smart Router.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AdvancedInstructions {
    /// `DMA`, `TWAP` or `VWAP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// The exchange to route to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// Shares to show at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_qty: Option<Decimal>,
    /// When to be done, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<String>,
    /// The share of the volume to take part in, between 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_percentage: Option<Decimal>,
    /// When to begin, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<String>,
}

/// Reads the body of `POST /v2/orders`.
///
/// # Errors
/// [`BodyFault`], whose answer is Alpaca's own where Alpaca has one.
pub fn parse_order(body: &[u8]) -> Result<ParsedOrder, BodyFault> {
    let mut fields = Object::parse(body)?;
    let order_class = match fields.text("order_class")?.as_deref() {
        None | Some("") => OrderClass::Simple,
        Some(class) => class.parse().map_err(|_| AlpacaError::invalid_order_class())?,
    };
    let raw_symbol = fields.text("symbol")?.filter(|symbol| !symbol.is_empty());
    let side = fields.word::<Side>("side")?.transpose().map_err(|_| AlpacaError::invalid_side())?;
    let order_type =
        fields.word::<OrderType>("type")?.and_then(Result::ok).ok_or_else(AlpacaError::invalid_type)?;
    let time_in_force = time_in_force(&mut fields)?.ok_or_else(AlpacaError::invalid_time_in_force)?;
    let (qty, notional) = (fields.decimal("qty")?, fields.decimal("notional")?);
    let limit_price = fields.decimal("limit_price")?;
    let stop_price = fields.decimal("stop_price")?;
    let trail_price = fields.decimal("trail_price")?;
    let trail_percent = fields.decimal("trail_percent")?;
    let extended_hours = fields.boolean("extended_hours")?.unwrap_or(false);
    let client_order_id = client_order_id(&mut fields)?;
    let position_intent = position_intent(&mut fields)?;
    let take_profit = take_profit(&mut fields)?;
    let stop_loss = stop_loss(&mut fields)?;
    let advanced_instructions = advanced_instructions(&mut fields)?;
    let (legs, leg_intents): (Vec<_>, Vec<_>) = legs(&mut fields)?.into_iter().unzip();
    fields.finish()?;

    // A multi-leg order states its symbols and sides in its legs.
    let symbol = match (raw_symbol, order_class, legs.first()) {
        (None, OrderClass::Mleg, Some(first)) => first.symbol.clone(),
        (_, OrderClass::Mleg, _) => return Err(AlpacaError::mleg_legs_required().into()),
        (Some(raw), _, _) => symbol(&raw)?,
        (None, _, _) => return Err(AlpacaError::symbol_required().into()),
    };
    let first_leg_side = if order_class == OrderClass::Mleg {
        Some(legs.first().and_then(|leg| leg.side).unwrap_or(Side::Buy))
    } else {
        None
    };
    let request = OrderRequest {
        symbol,
        side: side.or(first_leg_side).ok_or_else(AlpacaError::invalid_side)?,
        order_type,
        time_in_force,
        amount: amount(qty, notional)?,
        limit_price: match order_class {
            OrderClass::Oco => limit_price.or(take_profit.as_ref().map(|exit| exit.limit_price)),
            _ => limit_price,
        },
        stop_price,
        trail_price,
        trail_percent,
        extended_hours,
        order_class,
        take_profit,
        stop_loss,
        legs,
        client_order_id,
    };
    check_intent(request.side, position_intent)?;
    check_prices(&request)?;
    check_class(&request)?;
    let stated = Stated { side: side.is_some(), limit_price: limit_price.is_some() };
    Ok(ParsedOrder { request, position_intent, advanced_instructions, leg_intents, stated })
}

fn time_in_force(fields: &mut Object<'_>) -> Result<Option<TimeInForce>, BodyFault> {
    let word = fields.word("time_in_force")?.transpose();
    word.map_err(|_| AlpacaError::invalid_time_in_force().into())
}

fn position_intent(fields: &mut Object<'_>) -> Result<Option<PositionIntent>, BodyFault> {
    let word = fields.word("position_intent")?.transpose();
    word.map_err(|_| AlpacaError::invalid_position_intent().into())
}

/// An empty client order id counts as none, so that the broker makes one.
fn client_order_id(fields: &mut Object<'_>) -> Result<Option<String>, BodyFault> {
    let id = fields.text("client_order_id")?.filter(|id| !id.is_empty());
    if id.as_ref().is_some_and(|id| id.chars().count() > MAX_CLIENT_ORDER_ID) {
        return Err(AlpacaError::client_order_id_too_long().into());
    }
    // No client sends any, and not every database can keep one.
    if id.as_ref().is_some_and(|id| id.contains(char::is_control)) {
        let message = "client_order_id must have no control characters".to_owned();
        return Err(AlpacaError::invalid_field(message).into());
    }
    Ok(id)
}

fn symbol(raw: &str) -> Result<Symbol, AlpacaError> {
    if Uuid::parse_str(raw).is_ok() {
        return Err(AlpacaError::symbol_is_asset_id());
    }
    Symbol::parse(raw).map_err(|_| {
        let shown: String = raw.chars().filter(|character| !character.is_control()).take(32).collect();
        AlpacaError::order_asset_not_found(&shown)
    })
}

fn amount(qty: Option<Decimal>, notional: Option<Decimal>) -> Result<Amount, AlpacaError> {
    match (qty, notional) {
        (None, None) => Err(AlpacaError::qty_or_notional_required()),
        (Some(_), Some(_)) => Err(AlpacaError::qty_and_notional()),
        (Some(qty), None) if qty <= Decimal::ZERO => Err(AlpacaError::qty_not_positive()),
        (Some(qty), None) => Ok(Amount::Quantity(qty)),
        (None, Some(notional)) if notional < Decimal::ONE => Err(AlpacaError::notional_too_small()),
        (None, Some(notional)) => Ok(Amount::Notional(notional)),
    }
}

fn take_profit(fields: &mut Object<'_>) -> Result<Option<TakeProfit>, BodyFault> {
    let Some(mut exit) = fields.object("take_profit")? else { return Ok(None) };
    let limit_price = exit.decimal("limit_price")?;
    exit.finish()?;
    let limit_price = limit_price
        .ok_or_else(|| AlpacaError::invalid_field("take_profit.limit_price is required".to_owned()))?;
    Ok(Some(TakeProfit { limit_price }))
}

fn stop_loss(fields: &mut Object<'_>) -> Result<Option<StopLoss>, BodyFault> {
    let Some(mut exit) = fields.object("stop_loss")? else { return Ok(None) };
    let (stop_price, limit_price) = (exit.decimal("stop_price")?, exit.decimal("limit_price")?);
    exit.finish()?;
    let stop_price = stop_price
        .ok_or_else(|| AlpacaError::invalid_field("stop_loss.stop_price is required".to_owned()))?;
    Ok(Some(StopLoss { stop_price, limit_price }))
}

fn advanced_instructions(fields: &mut Object<'_>) -> Result<Option<AdvancedInstructions>, BodyFault> {
    let Some(mut fields) = fields.object("advanced_instructions")? else { return Ok(None) };
    let instructions = AdvancedInstructions {
        algorithm: fields.text("algorithm")?,
        destination: fields.text("destination")?,
        display_qty: fields.decimal("display_qty")?,
        end_time: fields.text("end_time")?,
        max_percentage: fields.decimal("max_percentage")?,
        start_time: fields.text("start_time")?,
    };
    fields.finish()?;
    Ok(Some(instructions))
}

fn legs(fields: &mut Object<'_>) -> Result<Vec<(OrderLeg, Option<PositionIntent>)>, BodyFault> {
    let mut legs = Vec::new();
    for mut leg in fields.objects("legs")?.unwrap_or_default() {
        let raw = leg.text("symbol")?.ok_or_else(AlpacaError::symbol_required)?;
        let side = leg.word::<Side>("side")?.transpose().map_err(|_| AlpacaError::invalid_side())?;
        let intent = position_intent(&mut leg)?;
        let ratio_quantity = leg.decimal("ratio_qty")?;
        leg.finish()?;
        let ratio_quantity = ratio_quantity
            .filter(|ratio| *ratio > Decimal::ZERO && ratio.fract().is_zero())
            .ok_or_else(AlpacaError::ratio_qty_invalid)?;
        if let Some(side) = side {
            check_intent(side, intent)?;
        }
        let side = side.or(intent.map(PositionIntent::side));
        legs.push((OrderLeg { symbol: symbol(&raw)?, side, ratio_quantity }, intent));
    }
    Ok(legs)
}

impl ParsedOrder {
    /// An order that Paddock itself makes.
    ///
    /// # Errors
    /// The answer that a broker would give to it.
    pub fn of(request: OrderRequest) -> Result<Self, AlpacaError> {
        match request.amount {
            Amount::Quantity(qty) => amount(Some(qty), None)?,
            Amount::Notional(notional) => amount(None, Some(notional))?,
        };
        check_prices(&request)?;
        check_class(&request)?;
        let leg_intents = vec![None; request.legs.len()];
        let stated = Stated { side: request.order_class != OrderClass::Mleg, limit_price: true };
        Ok(Self { request, position_intent: None, advanced_instructions: None, leg_intents, stated })
    }

    /// Says that the order closes, if it does not say already what it does to the position: the broker then refuses it when there
    /// is nothing to close.
    pub fn hold_to_closing(&mut self) {
        if self.position_intent.is_none() && self.request.order_class != OrderClass::Mleg {
            self.position_intent = Some(match self.request.side {
                Side::Buy => PositionIntent::BuyToClose,
                Side::Sell => PositionIntent::SellToClose,
            });
        }
    }

    /// Names the order, in place of whatever name it had.
    pub fn set_client_order_id(&mut self, id: String) {
        self.request.client_order_id = Some(id);
    }
}

#[cfg(test)]
mod tests;
