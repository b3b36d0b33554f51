//! `GET /api/v1/people`

use axum::Json;

use super::PersonView;
use crate::desk::Desk;
use crate::document::params;
use crate::paging::{Page, Paging, Since};
use crate::problem::Problem;
use crate::query::Query;

/// The people of the team, in the order in which they joined.
#[utoipa::path(
    get,
    path = "/api/v1/people",
    operation_id = "listPeople",
    tag = "people",
    params(params::Listing),
    responses((status = 200, description = "A page of people", body = Page<PersonView>)),
)]
pub(crate) async fn list(desk: Desk, mut query: Query) -> Result<Json<Page<PersonView>>, Problem> {
    let paging = Paging::read(&mut query, "people")?;
    query.finish(&["limit", "cursor"])?;
    let people: Vec<PersonView> =
        desk.store.persons(desk.user).await?.into_iter().map(PersonView::from).collect();
    Ok(Json(paging.page_of_all(people, |person| Since::new(person.created_at, person.id))))
}
