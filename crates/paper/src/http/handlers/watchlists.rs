//! `/v2/watchlists`, by id and by name.

use axum::response::Response;
use paddock_alpaca::strict_json::{JsonFault, Object};
use paddock_alpaca::{AlpacaError, wire};
use paddock_core::Symbol;

use crate::broker::watchlist::{Watchlist, WatchlistChange, WatchlistKey};
use crate::broker::{Command, Reply};
use crate::http::{Call, respond, views};

/// All watchlists, without their assets.
pub(in crate::http) async fn list(call: &Call) -> Result<Response, AlpacaError> {
    let shown = call
        .view(|_, account| {
            let bare = |watchlist| wire::Watchlist { assets: None, ..show(call, watchlist) };
            Ok(account.watchlists.iter().map(bare).collect::<Vec<_>>())
        })
        .await?;
    respond::ok(&shown)
}

/// One watchlist.
pub(in crate::http) async fn get(call: &Call) -> Result<Response, AlpacaError> {
    let key = key(call)?;
    let shown = call
        .view(|_, account| {
            account
                .watchlist(&key)
                .map(|watchlist| show(call, watchlist))
                .ok_or_else(AlpacaError::watchlist_not_found)
        })
        .await?;
    respond::ok(&shown)
}

/// Makes a watchlist.
pub(in crate::http) async fn create(call: &Call) -> Result<Response, AlpacaError> {
    let (name, symbols) = name_and_symbols(call)?;
    let command = Command::CreateWatchlist {
        account: call.account,
        watchlist: call.broker.new_id(),
        name: name.unwrap_or_default(),
        symbols: symbols.unwrap_or_default(),
    };
    answer(call, command).await
}

/// Gives a watchlist another name, other assets, or both.
pub(in crate::http) async fn update(call: &Call) -> Result<Response, AlpacaError> {
    let key = key(call)?;
    let (name, symbols) = name_and_symbols(call)?;
    change(call, key, WatchlistChange::Update { name, symbols }).await
}

/// Adds an asset at the end of a watchlist.
pub(in crate::http) async fn add(call: &Call) -> Result<Response, AlpacaError> {
    let key = key(call)?;
    let mut fields = Object::parse(&call.body).map_err(refused)?;
    let text = fields.text("symbol").map_err(refused)?;
    fields.finish().map_err(refused)?;
    change(call, key, WatchlistChange::Add(symbol(&text.unwrap_or_default())?)).await
}

/// Takes an asset off a watchlist.
pub(in crate::http) async fn remove(call: &Call) -> Result<Response, AlpacaError> {
    let key = key(call)?;
    let text = call.params.get("symbol").unwrap_or_default();
    let symbol = Symbol::parse(text).map_err(|_| AlpacaError::symbol_not_found(text))?;
    change(call, key, WatchlistChange::Remove(symbol)).await
}

/// Deletes a watchlist: 204 and no body.
pub(in crate::http) async fn delete(call: &Call) -> Result<Response, AlpacaError> {
    change(call, key(call)?, WatchlistChange::Delete).await?;
    Ok(respond::no_content())
}

async fn change(
    call: &Call,
    watchlist: WatchlistKey,
    change: WatchlistChange,
) -> Result<Response, AlpacaError> {
    answer(call, Command::ChangeWatchlist { account: call.account, watchlist, change }).await
}

async fn answer(call: &Call, command: Command) -> Result<Response, AlpacaError> {
    match call.broker.execute(command).await? {
        Reply::Watchlist(watchlist) => respond::ok(&show(call, &watchlist)),
        _ => Err(AlpacaError::internal()),
    }
}

/// The watchlist that the path or the query names. What is no id is that of no watchlist.
fn key(call: &Call) -> Result<WatchlistKey, AlpacaError> {
    if call.params.first().is_some() {
        return call.param().parse().map(WatchlistKey::Id).map_err(|_| AlpacaError::watchlist_not_found());
    }
    let name = call.text("name").ok_or_else(|| AlpacaError::invalid_field("name is required".to_owned()))?;
    Ok(WatchlistKey::Name(name.to_owned()))
}

fn name_and_symbols(call: &Call) -> Result<(Option<String>, Option<Vec<Symbol>>), AlpacaError> {
    let mut fields = Object::parse(&call.body).map_err(refused)?;
    let (name, texts) = (fields.text("name").map_err(refused)?, fields.texts("symbols").map_err(refused)?);
    fields.finish().map_err(refused)?;
    let symbols = texts.map(|texts| texts.iter().map(|text| symbol(text)).collect()).transpose()?;
    Ok((name, symbols))
}

fn refused(fault: JsonFault) -> AlpacaError {
    AlpacaError::from(&fault)
}

fn symbol(text: &str) -> Result<Symbol, AlpacaError> {
    let shown: String = text.chars().filter(|character| !character.is_control()).take(32).collect();
    Symbol::parse(text).map_err(|_| AlpacaError::invalid_field(format!("asset not found: {shown}")))
}

fn show(call: &Call, watchlist: &Watchlist) -> wire::Watchlist {
    let market = call.broker.market();
    wire::Watchlist {
        id: watchlist.id,
        account_id: call.account,
        created_at: watchlist.created_at,
        updated_at: watchlist.updated_at,
        name: watchlist.name.clone(),
        assets: Some(
            watchlist.symbols.iter().filter_map(|symbol| market.asset(symbol)).map(views::asset).collect(),
        ),
    }
}
