//! Canceling a key's own orders, one by one, where Alpaca would cancel all of the account.

use futures_util::future::join_all;
use http::StatusCode;
use paddock_alpaca::client::{AccountClient, ClientError};
use paddock_alpaca::wire::OrderStatus;
use paddock_alpaca::wire::order::CanceledOrder;
use uuid::Uuid;

use crate::answer::Fault;
use crate::observe::WholeAnswer;

/// How many cancels are on their way at once.
const AT_ONCE: usize = 8;

/// Cancels each of these orders.
pub(crate) async fn cancel_each(asking: &AccountClient<'_>, orders: &[Uuid]) -> Vec<CanceledOrder> {
    let mut canceled: Vec<CanceledOrder> = Vec::with_capacity(orders.len());
    for some in orders.chunks(AT_ONCE) {
        canceled.extend(join_all(some.iter().map(|id| cancel(asking, *id))).await);
    }
    canceled
}

/// Answers as Alpaca does to canceling all. That the broker refused the pair is none of the program's business: it has another one.
pub(crate) fn answered(mut canceled: Vec<CanceledOrder>) -> Result<WholeAnswer, Fault> {
    for one in canceled.iter_mut().filter(|one| one.status == 401) {
        one.status = Fault::credential_refused().status.as_u16();
    }
    let body = serde_json::to_vec(&canceled).map_err(|_| Fault::upstream_unsafe())?;
    Ok(WholeAnswer::made(StatusCode::MULTI_STATUS, body.into()))
}

async fn cancel(asking: &AccountClient<'_>, id: Uuid) -> CanceledOrder {
    let status = match asking.cancel_order(id).await {
        Ok(()) => 200,
        // An order that hangs together with one that was canceled before it went with that one.
        Err(ClientError::Api(error)) if error.status == 422 && went_too(asking, id).await => 200,
        Err(ClientError::Api(error)) => error.status,
        Err(ClientError::RateLimited { .. }) => 429,
        Err(ClientError::Server { status }) => status,
        Err(_) => 504,
    };
    CanceledOrder { id, status }
}

async fn went_too(asking: &AccountClient<'_>, id: Uuid) -> bool {
    let gone = |status| matches!(status, Some(OrderStatus::Canceled | OrderStatus::PendingCancel));
    asking.order(id).await.is_ok_and(|order| gone(order.status))
}
