//! `GET /api/v1/activity/export`

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream as streams;
use http::{HeaderValue, header};
use paddock_store::ActivityQuery;

use super::view::Names;
use super::{Filter, RequestView, catch_up_with_now};
use crate::desk::Desk;
use crate::document::params;
use crate::problem::Problem;
use crate::query::{Query, bad};

/// How many requests are read at a time.
const PAGE: u32 = 500;

/// How an export is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Comma-separated values with a heading, as RFC 4180 has them.
    Csv,
    /// One JSON object a line, as in the list.
    JsonLines,
}

/// The requests that fit the filters, all of them, the newest first: `format=csv` or `jsonl`. If the database fails on the way, the
/// answer breaks off.
#[utoipa::path(
    get,
    path = "/api/v1/activity/export",
    operation_id = "exportActivity",
    tag = "activity",
    params(params::ActivityFilter, ("format" = Option<String>, Query, description = "`csv`, or `jsonl` for one JSON object a line")),
    responses((status = 200, description = "The requests that fit, the newest first, as CSV or JSON lines", content((String = "text/csv"), (String = "application/x-ndjson")))),
    extensions(("x-problems" = json!(["unknown_connection", "ambiguous_connection"]))),
)]
pub(crate) async fn export(desk: Desk, mut query: Query) -> Result<Response, Problem> {
    let filter = Filter::take(&mut query)?;
    let format = match query.text("format").as_deref() {
        None | Some("csv") => Format::Csv,
        Some("jsonl") => Format::JsonLines,
        Some(_) => return Err(bad("format", "`csv` or `jsonl`")),
    };
    let mut known = super::FILTERS.to_vec();
    known.push("format");
    query.finish(&known)?;
    stream(desk, &filter, format).await
}

/// The same, for a page.
pub(crate) async fn stream(desk: Desk, filter: &Filter, format: Format) -> Result<Response, Problem> {
    catch_up_with_now(&desk).await?;
    let wanted = ActivityQuery { limit: PAGE, ..filter.query(&desk).await? };
    let step = Step { desk, wanted: Some(wanted), format, is_first: true };
    let pages = streams::try_unfold(step, Step::next);
    let mut response = Response::new(Body::from_stream(pages));
    let (kind, name) = match format {
        Format::Csv => ("text/csv", "attachment; filename=\"paddock-activity.csv\""),
        Format::JsonLines => ("application/x-ndjson", "attachment; filename=\"paddock-activity.jsonl\""),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

struct Step {
    desk: Desk,
    /// What is to be read next; nothing at the end.
    wanted: Option<ActivityQuery>,
    format: Format,
    is_first: bool,
}

impl Step {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, std::io::Error> {
        let Some(wanted) = self.wanted.take() else { return Ok(None) };
        let mut text = String::new();
        if self.is_first && self.format == Format::Csv {
            text.push_str(&line(&HEADING.map(str::to_owned)));
        }
        self.is_first = false;
        let rows = self.desk.store.activity(&wanted).await.map_err(std::io::Error::other)?;
        let names = Names::of(&self.desk, &rows)
            .await
            .map_err(|problem| std::io::Error::other(problem.detail.to_string()))?;
        if rows.len() == PAGE as usize {
            self.wanted = rows.last().map(|row| ActivityQuery { before: Some(row.cursor()), ..wanted });
        }
        for row in rows {
            let view = names.view(row);
            match self.format {
                Format::Csv => text.push_str(&line(&cells(&view))),
                Format::JsonLines => {
                    text.push_str(&serde_json::to_string(&view)?);
                    text.push('\n');
                }
            }
        }
        Ok(Some((text.into(), self)))
    }
}

const HEADING: [&str; 19] = [
    "at",
    "request",
    "sender",
    "who",
    "connection",
    "environment",
    "operation",
    "target",
    "summary",
    "network",
    "decision",
    "reason",
    "message",
    "numbers",
    "state",
    "status",
    "micros",
    "order_id",
    "client_order_id",
];

fn cells(view: &RequestView) -> [String; 19] {
    let numbers: Vec<String> = view.numbers.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let maybe = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        view.at.to_string(),
        view.request.clone(),
        view.sender.to_owned(),
        view.who.clone(),
        maybe(&view.connection),
        view.environment.map(|environment| environment.to_string()).unwrap_or_default(),
        view.operation.clone(),
        view.target.clone(),
        maybe(&view.summary),
        maybe(&view.network),
        view.decision.to_owned(),
        maybe(&view.reason),
        maybe(&view.message),
        numbers.join(" "),
        view.state.unwrap_or_default().to_owned(),
        view.status.map(|status| status.to_string()).unwrap_or_default(),
        view.micros.map(|micros| micros.to_string()).unwrap_or_default(),
        maybe(&view.order_id),
        maybe(&view.client_order_id),
    ]
}

/// One line. A cell that a spreadsheet would take for a formula gets an apostrophe before it, since a client order id is whatever a
/// program says it is.
fn line(cells: &[String]) -> String {
    let quoted = cells.iter().map(|cell| {
        let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let cell = if formula { format!("'{cell}") } else { cell.clone() };
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("plain", "plain\r\n")]
    #[case("a,b", "\"a,b\"\r\n")]
    #[case("say \"so\"", "\"say \"\"so\"\"\"\r\n")]
    #[case("=1+1", "'=1+1\r\n")]
    #[case("-5", "'-5\r\n")]
    fn cells_are_quoted_and_never_formulas(#[case] cell: &str, #[case] expected: &str) {
        assert_eq!(line(&[cell.to_owned()]), expected);
    }
}
