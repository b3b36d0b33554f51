//! Closing positions, which is placing market orders.

use paddock_alpaca::error::AlpacaError;
use paddock_core::order::{Amount, OrderRequest, Side, TimeInForce};
use paddock_core::{AssetClass, Symbol};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::command::Portion;
use super::order::Order;
use super::{Broker, Closed};

impl Broker {
    /// Places the order that closes a position or a part of it.
    pub(super) fn close(
        &mut self,
        account: Uuid,
        symbol: &Symbol,
        portion: Portion,
        id: Uuid,
    ) -> Result<Order, AlpacaError> {
        let held = self.existing(account)?.position(symbol).quantity;
        if held.is_zero() {
            return Err(AlpacaError::position_not_found());
        }
        let quantity = match portion {
            Portion::Whole => held.abs(),
            Portion::Quantity(quantity) => quantity,
            Portion::Percentage(percentage) => {
                (held.abs() * percentage / Decimal::ONE_HUNDRED).trunc_with_scale(9)
            }
        };
        let side = if held.is_sign_negative() { Side::Buy } else { Side::Sell };
        let placed = self.place(account, id, &market_order(symbol, side, quantity.normalize()), None)?;
        Ok(placed.order)
    }

    /// Places the orders that close all positions.
    pub(super) fn close_all(
        &mut self,
        account: Uuid,
        cancel_orders: bool,
        base: Uuid,
    ) -> Result<Vec<Closed>, AlpacaError> {
        if cancel_orders {
            self.cancel_all(account)?;
        }
        let symbols: Vec<Symbol> = self.existing(account)?.positions.keys().cloned().collect();
        Ok(symbols
            .into_iter()
            .map(|symbol| {
                let id = Uuid::new_v5(&base, symbol.as_str().as_bytes());
                let outcome = self.close(account, &symbol, Portion::Whole, id);
                Closed { symbol, outcome }
            })
            .collect())
    }
}

fn market_order(symbol: &Symbol, side: Side, quantity: Decimal) -> OrderRequest {
    let time_in_force = match symbol.class() {
        AssetClass::Crypto => TimeInForce::Gtc,
        AssetClass::UsEquity | AssetClass::UsOption => TimeInForce::Day,
    };
    OrderRequest::market(symbol.clone(), side, time_in_force, Amount::Quantity(quantity))
}
