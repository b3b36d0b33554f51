//! What a hub of a data stream and the broker say to each other.

use std::sync::Arc;

use paddock_alpaca::stream::{Channel, Feed, Format, Selection};
use paddock_core::id::ConnectionId;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::dial::{NoStream, STEP_TIMEOUT, Wire};
use super::fan_out::Frame;
use crate::shared::Shared;

/// A request for what is selected.
pub(super) fn ask(action: &str, selection: &Selection) -> serde_json::Value {
    let mut request = serde_json::Map::new();
    request.insert("action".to_owned(), action.into());
    for (channel, symbols) in selection.channels() {
        request.insert(channel.name().to_owned(), symbols.into_iter().collect::<Vec<_>>().into());
    }
    request.into()
}

/// What the broker says that it has.
pub(super) fn acknowledged_selection(text: &str) -> Option<Selection> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    let message = value.as_array()?.iter().find(|message| message["T"] == "subscription")?;
    let mut selection = Selection::default();
    for (name, symbols) in message.as_object()? {
        if let (Some(channel), Some(symbols)) = (Channel::named(name), symbols.as_array()) {
            selection.add(channel, symbols.iter().filter_map(|symbol| symbol.as_str().map(str::to_owned)));
        }
    }
    Some(selection)
}

/// Opens the stream with the connection's credential and subscribes to what is wanted. Also tells which credential that was.
pub(super) async fn connect(
    shared: Arc<Shared>,
    connection: ConnectionId,
    feed: Feed,
    wanted: Selection,
) -> Result<(Wire, Vec<u8>, Selection), NoStream> {
    let entry = shared.directory.load().connection(connection).cloned().ok_or(NoStream::Gone)?;
    let format = if feed.is_of_options() { Format::MessagePack } else { Format::Json };
    let mut wire = shared.dialer.open(shared.client.endpoints().stream(), feed.path(), format).await?;
    expect(&mut wire, "success", Some("connected")).await?;
    let wrap = |key: &str, secret: &str| json!({"action": "auth", "key": key, "secret": secret});
    wire.authenticate(&entry, &shared, wrap).await?;
    let authenticated = expect(&mut wire, "success", Some("authenticated")).await;
    if matches!(authenticated, Err(NoStream::Refused)) {
        shared.refused.note(&entry);
    }
    authenticated?;
    if !wanted.is_empty() {
        wire.send(&ask("subscribe", &wanted)).await?;
        expect(&mut wire, "subscription", None).await?;
    }
    Ok((wire, entry.fingerprint().to_vec(), wanted))
}

/// Waits for one message of the kind. Data that comes before is for nobody yet.
async fn expect(wire: &mut Wire, kind: &str, words: Option<&str>) -> Result<(), NoStream> {
    let waiting = async {
        loop {
            let text = match wire.next().await.ok_or(NoStream::Unexpected)? {
                Message::Text(text) => text.as_str().to_owned(),
                Message::Binary(bytes) => {
                    String::from_utf8(bytes.to_vec()).map_err(|_| NoStream::Unexpected)?
                }
                _ => return Err(NoStream::Unexpected),
            };
            let frame = Frame::read(&text).ok_or(NoStream::Unexpected)?;
            for item in frame.items() {
                let head = &item.head;
                if head.kind == "error" {
                    return Err(match head.code.unwrap_or_default() {
                        402 => NoStream::Refused,
                        code => NoStream::Error(code),
                    });
                }
                if head.kind == kind && (words.is_none() || head.msg.as_deref() == words) {
                    return Ok(());
                }
            }
        }
    };
    tokio::time::timeout(STEP_TIMEOUT, waiting).await.map_err(|_| NoStream::Timeout)?
}
