//! `GET /activity/{id}`

use askama::Template;
use axum::response::Response;

use super::Row;
use super::list::row;
use crate::api::accounts::OrderView;
use crate::api::activity::story;
use crate::desk::Desk;
use crate::name::PathName;
use crate::pages::answer::page;
use crate::pages::numbers::told;
use crate::pages::records::RecordCells;
use crate::pages::shell::{Section, Shell};
use crate::pages::text::{Moment, dollars, price};
use crate::problem::Problem;
use crate::query::Query;

#[derive(Debug, Template)]
#[template(path = "activity/story.html")]
struct StoryPage {
    shell: Shell,
    row: Row,
    /// Whether the connection that it was for has no page any more.
    connection_removed: bool,
    came: Moment,
    operation: String,
    order_id: Option<String>,
    client_order_id: Option<String>,
    numbers: Vec<(String, String)>,
    /// What it took from the caps, in words.
    reserved: Option<String>,
    approval: Option<String>,
    order: Option<OrderView>,
    /// The average price at which the order was filled.
    paid: Option<String>,
    order_fault: Option<Problem>,
    records: Vec<RecordCells>,
}

/// The whole story of one request.
pub(super) async fn show(desk: Desk, PathName(id): PathName, query: Query) -> Result<Response, Problem> {
    query.finish(&[])?;
    let (now, story) = (desk.now(), story(&desk, &id).await?);
    let names = desk.store.names(desk.user).await?;
    let reserved = story.reserved.map(|taken| {
        let orders =
            if taken.orders == 1 { "1 order".to_owned() } else { format!("{} orders", taken.orders) };
        let back = if taken.returned.is_zero() {
            String::new()
        } else {
            format!(", of which {} were given back", dollars(taken.returned))
        };
        format!("{orders} and {}{back}", dollars(taken.notional))
    });
    let title = story
        .request
        .summary
        .clone()
        .unwrap_or_else(|| super::operation_words(&story.request.operation).to_owned());
    let mut shell = Shell::load(&desk, Section::Activity, title).await?;
    if let Some(connection) = &story.connection {
        shell = shell.about(connection);
    }
    let page_with = StoryPage {
        shell,
        connection_removed: story.connection.is_some_and(|connection| connection.removed_at.is_some()),
        came: Moment::full(story.request.at),
        operation: super::operation_words(&story.request.operation).to_owned(),
        order_id: story.request.order_id.clone(),
        client_order_id: story.request.client_order_id.clone(),
        numbers: story.request.numbers.iter().map(|(name, value)| told(name, value)).collect(),
        reserved,
        approval: story.approval.map(|approval| approval.to_string()),
        paid: story.order.as_ref().and_then(|order| order.filled_avg_price).map(price),
        order: story.order,
        order_fault: story.order_fault,
        records: story.kept.iter().map(|record| RecordCells::new(record, &names, now)).collect(),
        row: row(story.request, now),
    };
    page(&page_with)
}
