//! `/v2/account/configurations`.

use axum::response::Response;
use paddock_alpaca::AlpacaError;
use paddock_alpaca::strict_json::{JsonFault, Object};
use paddock_alpaca::wire::AccountConfiguration;

use crate::broker::Command;
use crate::http::{Call, respond};

/// The configuration.
pub(in crate::http) async fn get(call: &Call) -> Result<Response, AlpacaError> {
    respond::ok(&shown(call, kept(call).await?))
}

/// Changes what the body names, and answers with the whole.
pub(in crate::http) async fn patch(call: &Call) -> Result<Response, AlpacaError> {
    let mut configuration = kept(call).await?;
    change(&mut configuration, &call.body)?;
    let command = Command::Configure { account: call.account, configuration: configuration.clone() };
    call.broker.execute(command).await?;
    respond::ok(&shown(call, configuration))
}

/// With the settings on day trades, or without, whatever is kept.
fn shown(call: &Call, configuration: AccountConfiguration) -> AccountConfiguration {
    let word = |kept: Option<String>| {
        call.broker.shows_day_trades().then(|| kept.unwrap_or_else(|| "entry".to_owned()))
    };
    AccountConfiguration {
        dtbp_check: word(configuration.dtbp_check.clone()),
        pdt_check: word(configuration.pdt_check.clone()),
        ..configuration
    }
}

async fn kept(call: &Call) -> Result<AccountConfiguration, AlpacaError> {
    call.view(|_, account| Ok(account.configuration.clone())).await
}

fn change(configuration: &mut AccountConfiguration, body: &[u8]) -> Result<(), AlpacaError> {
    let mut fields = Object::parse(body).map_err(refused)?;
    for (name, flag) in [
        ("disable_overnight_trading", &mut configuration.disable_overnight_trading),
        ("fractional_trading", &mut configuration.fractional_trading),
        ("no_shorting", &mut configuration.no_shorting),
        ("ptp_no_exception_entry", &mut configuration.ptp_no_exception_entry),
        ("suspend_trade", &mut configuration.suspend_trade),
    ] {
        *flag = fields.boolean(name).map_err(refused)?.unwrap_or(*flag);
    }
    // Clients send the multiplier and the level as texts or as numbers.
    if let Some(multiplier) = fields.decimal("max_margin_multiplier").map_err(refused)? {
        let text = multiplier.normalize().to_string();
        configuration.max_margin_multiplier = known(text, &["1", "2", "4"], "max_margin_multiplier")?;
    }
    if let Some(level) = fields.decimal("max_options_trading_level").map_err(refused)? {
        let text = known(level.normalize().to_string(), &["0", "1", "2", "3"], "max_options_trading_level")?;
        configuration.max_options_trading_level = text.parse().ok();
    }
    if let Some(email) = fields.text("trade_confirm_email").map_err(refused)? {
        configuration.trade_confirm_email = known(email, &["all", "none"], "trade_confirm_email")?;
    }
    // Alpaca removed these two on 2026-07-06 with the rule on pattern day trading; alpaca-py 0.44.0 still sends them.
    for (name, setting) in
        [("dtbp_check", &mut configuration.dtbp_check), ("pdt_check", &mut configuration.pdt_check)]
    {
        if let Some(word) = fields.text(name).map_err(refused)? {
            *setting = Some(known(word, &["both", "entry", "exit"], name)?);
        }
    }
    fields.finish().map_err(refused)
}

fn refused(fault: JsonFault) -> AlpacaError {
    AlpacaError::from(&fault)
}

fn known(value: String, words: &[&str], name: &str) -> Result<String, AlpacaError> {
    if words.contains(&value.as_str()) {
        Ok(value)
    } else {
        Err(AlpacaError::invalid_field(format!("{name} must be one of {}", words.join(", "))))
    }
}
