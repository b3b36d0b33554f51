//! What a person does about a rotation on its page.

use axum::response::Response;

use super::show::gather;
use crate::api::rotations::{paste as pasting, say as saying};
use crate::desk::Desk;
use crate::fields::FormFields;
use crate::fresh::{FRESH_FACTOR_NEEDED, SECOND_FACTOR_NEEDED};
use crate::name::PathName;
use crate::pages::answer::{done, page_with};
use crate::pages::form::FormView;
use crate::problem::Problem;

/// Says one of the words.
pub(super) async fn say(
    desk: Desk,
    PathName(id): PathName,
    FormFields(mut fields): FormFields,
) -> Result<Response, Problem> {
    let said = fields.need_text("word", "what is to be done")?;
    let Some(word) = saying::Word::named(&said) else {
        return Err(Problem::not_allowed(
            "word",
            &said,
            &[
                "start",
                "resume",
                "abort",
                "leave-out",
                "take-over",
                "skip-test-order",
                "go-on-with-open-orders",
            ],
        ));
    };
    match saying::perform(&desk, &id, word, fields).await {
        Ok(()) => {
            // Found again, so that nothing of the address is sent back as it came.
            let found = crate::api::rotations::found(&desk, &id).await?;
            Ok(done(&format!("/rotations/{}", found.row.rotation.id), &said))
        }
        // What asks for a proof goes there instead.
        Err(problem) if [FRESH_FACTOR_NEEDED, SECOND_FACTOR_NEEDED].contains(&problem.code.as_ref()) => {
            Err(problem)
        }
        Err(problem) => again(&desk, &id, problem).await,
    }
}

/// Takes the pair. Where a proof is missing that is said on the page: whoever left it would leave what it says to keep.
pub(super) async fn paste(
    desk: Desk,
    PathName(id): PathName,
    FormFields(fields): FormFields,
) -> Result<Response, Problem> {
    match pasting::perform(&desk, &id, fields).await {
        Ok(taken) => Ok(done(&format!("/rotations/{}", taken.rotation.id), "pasted")),
        Err(problem) => {
            let field = match problem.code.as_ref() {
                "fields_swapped" | "paddock_key" | "live_key_in_paper" | "paper_key_in_live"
                | "key_id_malformed" | "key_id_twice" => Some("key_id"),
                "halves_of_two_pairs" | "secret_key_malformed" | "secret_key_twice" => Some("secret_key"),
                _ => None,
            };
            let problem = match field {
                Some(field) => problem.at(field),
                None => problem,
            };
            again(&desk, &id, problem).await
        }
    }
}

/// The page once more, with what was wrong.
async fn again(desk: &Desk, id: &str, problem: Problem) -> Result<Response, Problem> {
    if problem.code == "unknown_rotation" {
        return Err(problem);
    }
    let status = problem.http_status();
    page_with(status, &gather(desk, id, FormView::blank().refused(problem)).await?)
}
