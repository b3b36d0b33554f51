//! The one table of error answers.
//!
//! Statuses and codes are Alpaca's; wordings were seen in its documentation, or in public reports and measurements of 2023 to
//! 2026. Where none was found, the sentence is ours.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::AlpacaError;

/// The code of most answers of status 422 about a single field.
const FIELD: u32 = 40_010_001;
/// The code of answers of status 422 about an order that could not be.
const UNPROCESSABLE: u32 = 42_210_000;
const FORBIDDEN: u32 = 40_310_000;
const NOT_FOUND: u32 = 40_410_000;

macro_rules! fixed {
    ($($(#[$doc:meta])* $name:ident = $status:literal, $code:expr, $message:literal);+ $(;)?) => {
        impl AlpacaError {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name() -> Self {
                    Self::new($status, $code, $message)
                }
            )+
        }
    };
}

fixed! {
    // --- Fields of an order, status 422.
    /// Neither quantity nor notional.
    qty_or_notional_required = 422, FIELD, "qty or notional is required";
    /// Both quantity and notional.
    qty_and_notional = 422, FIELD, "only one of qty or notional is accepted";
    /// A quantity of zero or less.
    qty_not_positive = 422, FIELD, "qty must be > 0";
    /// A notional below one dollar.
    notional_too_small = 422, FIELD, "notional must be >= 1.00";
    /// A limit order without a limit price.
    limit_price_required = 422, FIELD, "limit orders require a limit price";
    /// A limit order with a stop price.
    limit_takes_no_stop = 422, FIELD, "limit orders require no stop price";
    /// A market order with a price.
    market_takes_no_price = 422, FIELD, "market orders require no stop or limit price";
    /// A stop order without a stop price.
    stop_price_required = 422, FIELD, "stop orders require a stop price";
    /// A stop order with a limit price.
    stop_takes_no_limit = 422, FIELD, "stop orders require no limit price";
    /// A stop-limit order without one of its prices.
    stop_limit_prices_required = 422, FIELD, "stop limit orders require both stop and limit price";
    /// A trailing stop without a trail or with two.
    trail_required = 422, FIELD, "trailing stop orders must specify one of trail_price or trail_percent";
    /// A trailing stop with a price.
    trailing_takes_no_price = 422, FIELD, "trailing stop orders require no stop or limit price";
    /// A trail on another order.
    trail_not_allowed = 422, FIELD, "only trailing stop orders take trail_price or trail_percent";
    /// A price of zero or less.
    price_not_positive = 422, FIELD, "limit price, stop price and trail must be > 0";
    /// A client order id that is too long.
    client_order_id_too_long = 422, FIELD, "client_order_id must be no more than 128 characters";
    /// A client order id that was used before, also by an order that is canceled since.
    client_order_id_not_unique = 422, FIELD, "client_order_id must be unique";
    /// No symbol.
    symbol_required = 422, FIELD, "symbol is required";
    /// An asset id in the place of the symbol, which Alpaca takes and Paddock does not: a scope names symbols.
    symbol_is_asset_id = 422, FIELD, "symbol must be a symbol such as AAPL or BTC/USD, not an asset id";
    /// No side or none that is known.
    invalid_side = 422, FIELD, "side must be buy or sell";
    /// No type or none that is known.
    invalid_type = 422, FIELD, "invalid order type";
    /// No time in force or none that is known.
    invalid_time_in_force = 422, FIELD, "invalid time_in_force";
    /// An unknown order class.
    invalid_order_class = 422, FIELD, "invalid order_class";
    /// An unknown position intent.
    invalid_position_intent = 422, FIELD, "invalid position_intent";
    /// A bracket order without one of its exits.
    bracket_exits_required = 422, FIELD, "bracket orders require take_profit.limit_price and stop_loss.stop_price";
    /// An OCO order without its exits, or of another type than limit.
    oco_exits_required = 422, FIELD, "oco orders require type limit, take_profit.limit_price and stop_loss.stop_price";
    /// An OTO order with no exit or two.
    oto_exit_required = 422, FIELD, "oto orders require one of take_profit or stop_loss";
    /// An exit on an order that is neither bracket, OCO nor OTO.
    exits_not_allowed = 422, FIELD, "take_profit and stop_loss require order_class bracket, oco or oto";
    /// A multi-leg order without legs, with too many, or with what it cannot have.
    mleg_legs_required = 422, FIELD, "mleg orders require type market or limit, qty and 2 to 4 option legs";
    /// Legs on another order.
    legs_not_allowed = 422, FIELD, "legs require order_class mleg";
    /// A leg's ratio that is no positive whole number.
    ratio_qty_invalid = 422, FIELD, "ratio_qty must be a whole number > 0";
    /// An order id that is no UUID.
    order_id_missing = 422, FIELD, "order_id is missing";
    /// A replacement that states both quantity and notional.
    replace_qty_and_notional = 422, FIELD, "only one of qty or notional is accepted in a replacement";
    /// A request to close part of a position that states the part twice.
    close_qty_and_percentage = 422, FIELD, "only one of qty or percentage is accepted";
    /// A percentage outside of 0 to 100.
    percentage_invalid = 422, FIELD, "percentage must be > 0 and <= 100";

    // --- Orders that could not be, status 422.
    /// A fractional order that lives longer than a day.
    fractional_must_be_day = 422, UNPROCESSABLE, "fractional orders must be DAY orders";
    /// A fractional order with exits.
    fractional_must_be_simple = 422, UNPROCESSABLE, "fractional orders must be simple orders";
    /// A fractional short sale.
    fractional_not_short = 422, UNPROCESSABLE, "fractional orders cannot be sold short";
    /// An extended-hours order of another kind than limit, day or gtc.
    extended_hours_invalid = 422, UNPROCESSABLE, "extended hours order must be DAY or GTC limit orders";
    /// A crypto order that is neither gtc nor ioc.
    crypto_time_in_force_invalid = 422, UNPROCESSABLE, "invalid crypto time_in_force";
    /// A replacement that changes nothing.
    replace_changes_nothing = 422, UNPROCESSABLE, "order parameters are not changed";
    /// A replacement with no more than what has filled.
    replace_qty_filled = 422, UNPROCESSABLE, "qty must be > filled_qty";
    /// A replacement of an order in dollars.
    replace_notional = 422, UNPROCESSABLE, "notional orders cannot be replaced";
    /// A market order for options outside the session.
    options_market_closed = 422, UNPROCESSABLE, "options market orders are only allowed during market hours";

    // --- Not allowed, status 403.
    /// The account is inactive or blocked.
    account_not_authorized = 403, FORBIDDEN, "account is not authorized to trade";
    /// The account may only close positions.
    account_liquidation_only = 403, FORBIDDEN, "account is restricted to liquidation only";
    /// The account may not sell short.
    account_not_allowed_to_short = 403, FORBIDDEN, "account is not allowed to short";
    /// The account's owner suspended trading in its settings.
    trading_suspended_by_user = 403, FORBIDDEN, "trading is suspended by the account's configuration";
    /// A short sale against an open buy.
    short_while_buying = 403, FORBIDDEN, "cannot open a short sell while a long buy order is open";
    /// A buy against an open short sale.
    buy_while_shorting = 403, FORBIDDEN, "cannot open a long buy while a short sell order is open";
    /// Fractional trading is switched off.
    fractional_disabled = 403, FORBIDDEN, "fractional trading is disabled for this account";
    /// An opening-auction order at the wrong time.
    opg_window = 403, FORBIDDEN, "opg orders must be submitted after 7:00pm and before 9:28am";
    /// A closing-auction order at the wrong time.
    cls_window = 403, FORBIDDEN, "cls orders must be submitted after 7:00pm and before 3:55pm";

    // --- Not found, status 404.
    /// No position in that asset.
    position_not_found = 404, NOT_FOUND, "position does not exist";
    /// No such path.
    endpoint_not_found = 404, NOT_FOUND, "endpoint not found.";
    /// No such watchlist.
    watchlist_not_found = 404, NOT_FOUND, "watchlist not found";

    // --- OAuth.
    /// An unknown OAuth client, or a wrong secret of one.
    oauth_invalid_client = 401, 40_110_000, "invalid_client";
    /// An authorization code that is unknown, used, expired, of another client or of another redirect URI.
    oauth_invalid_grant = 400, 40_010_000, "invalid_grant";
    /// A request for a token that lacks something, or has it twice.
    oauth_invalid_request = 400, 40_010_000, "invalid_request";
    /// A request for a token for anything but an authorization code.
    oauth_unsupported_grant_type = 400, 40_010_000, "unsupported_grant_type";

    // --- The request as such.
    /// The body is longer than is read.
    body_too_large = 413, 41_310_000, "the request body is too large";
    /// Too many requests.
    rate_limited = 429, 42_910_000, "rate limit exceeded";
    /// The broker itself failed.
    internal = 500, 50_010_000, "internal server error occurred";
}

impl AlpacaError {
    /// No key, an unknown one, a revoked one, or one of the other environment.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::without_code(401, "unauthorized.")
    }

    /// An OAuth token that may not do this. `needed` is the scope that it lacks.
    #[must_use]
    pub fn insufficient_scope(needed: &str) -> Self {
        let message = format!("insufficient scope: the token needs \"{needed}\" for this");
        Self::new(403, FORBIDDEN, message)
    }

    /// Recent consolidated prices without a subscription.
    #[must_use]
    pub fn sip_subscription_required() -> Self {
        Self::without_code(403, "subscription does not permit querying recent SIP data")
    }

    /// A request to the data host that cannot be answered; the data host's answers have no code.
    #[must_use]
    pub fn data_bad_request(message: String) -> Self {
        Self::without_code(400, message)
    }

    /// The data host does not know the symbol's form.
    #[must_use]
    pub fn data_invalid_symbol(symbol: &str, pattern: &str) -> Self {
        Self::data_bad_request(format!("invalid symbol: {symbol} does not match {pattern}"))
    }

    /// The data host gives no more than `maximum` of something, usually of `limit`.
    #[must_use]
    pub fn data_too_large(name: &str, maximum: usize) -> Self {
        Self::data_bad_request(format!("invalid {name}: larger than the allowed maximum of {maximum}"))
    }

    /// A request that cannot be read; `detail` says why.
    #[must_use]
    pub fn invalid_request(detail: &str) -> Self {
        Self::new(400, 40_010_000, format!("request is invalid: {detail}"))
    }

    /// A body that cannot be read; `detail` says why.
    #[must_use]
    pub fn invalid_body(detail: &str) -> Self {
        Self::new(400, 40_010_000, format!("request body format is invalid: {detail}"))
    }

    /// A field that cannot be what it is; `message` names it.
    #[must_use]
    pub fn invalid_field(message: String) -> Self {
        Self::new(422, FIELD, message)
    }

    /// An order costs more than the account has to spend. Both in dollars.
    #[must_use]
    pub fn insufficient_buying_power(buying_power: Decimal, cost_basis: Decimal) -> Self {
        Self::new(403, FORBIDDEN, "insufficient buying power")
            .with("buying_power", buying_power.to_string())
            .with("cost_basis", cost_basis.to_string())
    }

    /// An option order costs more than the account has for options. Both in dollars.
    #[must_use]
    pub fn insufficient_options_buying_power(required: Decimal, available: Decimal) -> Self {
        let message =
            format!("insufficient options buying power (required: {required}, available: {available})");
        Self::new(403, FORBIDDEN, message)
    }

    /// A sale of more than there is, or than is not held for other orders, whose ids are `related_orders`.
    #[must_use]
    pub fn insufficient_quantity(
        symbol: &str,
        requested: Decimal,
        available: Decimal,
        existing: Decimal,
        held_for_orders: Decimal,
        related_orders: &[Uuid],
    ) -> Self {
        let message =
            format!("insufficient qty available for order (requested: {requested}, available: {available})");
        let related: Vec<String> = related_orders.iter().map(Uuid::to_string).collect();
        Self::new(403, FORBIDDEN, message)
            .with("available", available.to_string())
            .with("existing_qty", existing.to_string())
            .with("held_for_orders", held_for_orders.to_string())
            .with("related_orders", related)
            .with("symbol", symbol)
    }

    /// A crypto order for more than there is of a coin, or of `USD`.
    #[must_use]
    pub fn insufficient_balance(
        symbol: &str,
        requested: Decimal,
        available: Decimal,
        balance: Decimal,
    ) -> Self {
        let message =
            format!("insufficient balance for {symbol} (requested: {requested}, available: {available})");
        Self::new(403, FORBIDDEN, message)
            .with("available", available.to_string())
            .with("balance", balance.to_string())
            .with("symbol", symbol)
    }

    /// A crypto order below the minimum, in dollars.
    #[must_use]
    pub fn cost_basis_too_small(minimum: Decimal) -> Self {
        Self::new(403, FORBIDDEN, format!("cost basis must be >= minimal amount of order {minimum}"))
    }

    /// An order that could trade with another of the same account. `reason` is `opposite side market/stop order exists` or
    /// `opposite side limit order exists`.
    #[must_use]
    pub fn wash_trade(existing: Uuid, reason: &str) -> Self {
        Self::new(403, FORBIDDEN, "potential wash trade detected. use complex orders")
            .with("existing_order_id", existing.to_string())
            .with("reject_reason", reason)
    }

    /// A fraction of an asset that comes in whole units only.
    #[must_use]
    pub fn not_fractionable(symbol: &str) -> Self {
        Self::new(403, FORBIDDEN, format!("asset \"{symbol}\" is not fractionable"))
    }

    /// No order of that id, or of that client order id.
    #[must_use]
    pub fn order_not_found(id: &str) -> Self {
        Self::new(404, NOT_FOUND, format!("order not found for {id}"))
    }

    /// A position of that symbol or asset id was asked for, and there is none; `position does not exist` is
    /// [`AlpacaError::position_not_found`].
    #[must_use]
    pub fn symbol_not_found(symbol: &str) -> Self {
        Self::new(404, NOT_FOUND, format!("symbol not found: {symbol}"))
    }

    /// No option contract of that symbol or id.
    #[must_use]
    pub fn option_contract_not_found(symbol_or_id: &str) -> Self {
        Self::new(404, NOT_FOUND, format!("option contract {symbol_or_id} not found"))
    }

    /// No asset of that id.
    #[must_use]
    pub fn asset_not_found(id: &str) -> Self {
        Self::new(404, NOT_FOUND, format!("asset not found for {id}"))
    }

    /// An order for what does not exist.
    #[must_use]
    pub fn order_asset_not_found(symbol: &str) -> Self {
        Self::new(422, UNPROCESSABLE, format!("asset \"{symbol}\" not found"))
    }

    /// An order for what is not traded.
    #[must_use]
    pub fn asset_not_tradable(symbol: &str) -> Self {
        Self::new(422, UNPROCESSABLE, format!("asset \"{symbol}\" is not tradable"))
    }

    /// An order for what is not active.
    #[must_use]
    pub fn asset_not_active(symbol: &str) -> Self {
        Self::new(422, UNPROCESSABLE, format!("asset {symbol} is not active"))
    }

    /// A short sale of what cannot be borrowed.
    #[must_use]
    pub fn asset_not_shortable(symbol: &str) -> Self {
        Self::new(422, UNPROCESSABLE, format!("asset \"{symbol}\" cannot be sold short"))
    }

    /// A price finer than its tick. `field` is `limit_price` or `stop_price`.
    #[must_use]
    pub fn sub_penny(field: &str, price: Decimal) -> Self {
        let message =
            format!("invalid {field} {price}. sub-penny increment does not fulfill minimum pricing criteria");
        Self::new(422, UNPROCESSABLE, message)
    }

    /// A bracket's profit-taking exit on the wrong side of its entry's price.
    #[must_use]
    pub fn take_profit_too_low(base_price: Decimal) -> Self {
        Self::new(422, UNPROCESSABLE, "take_profit.limit_price must be >= base_price + 0.01")
            .with("base_price", base_price.to_string())
    }

    /// A bracket's loss-limiting exit on the wrong side of its entry's price.
    #[must_use]
    pub fn stop_loss_too_high(base_price: Decimal) -> Self {
        Self::new(422, UNPROCESSABLE, "stop_loss.stop_price must be <= base_price - 0.01")
            .with("base_price", base_price.to_string())
    }

    /// A buy stop at or below the market.
    #[must_use]
    pub fn stop_not_above_market(market_price: Decimal, stop_price: Decimal) -> Self {
        Self::new(422, UNPROCESSABLE, "stop price must be greater than current price")
            .with("market_price", market_price.to_string())
            .with("stop_price", stop_price.to_string())
    }

    /// A sell stop at or above the market.
    #[must_use]
    pub fn stop_not_below_market(market_price: Decimal, stop_price: Decimal) -> Self {
        Self::new(422, UNPROCESSABLE, "stop price must be less than current price")
            .with("market_price", market_price.to_string())
            .with("stop_price", stop_price.to_string())
    }

    /// A cancel of an order that has ended.
    #[must_use]
    pub fn order_already(status: &str) -> Self {
        Self::new(422, UNPROCESSABLE, format!("order is already in \"{status}\" state"))
    }

    /// A replacement of an order that cannot be replaced now.
    #[must_use]
    pub fn cannot_replace(status: &str) -> Self {
        Self::new(422, UNPROCESSABLE, format!("cannot replace order in {status} status"))
    }

    /// An order whose side and position intent contradict each other.
    #[must_use]
    pub fn position_intent_mismatch(inferred: &str, specified: &str) -> Self {
        let message = format!("position intent mismatch, inferred: {inferred}, specified: {specified}");
        Self::new(422, UNPROCESSABLE, message)
    }
}
