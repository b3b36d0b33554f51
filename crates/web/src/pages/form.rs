//! A form as it is shown: what was typed before, and what was wrong with it.

use std::collections::BTreeMap;

use crate::complaints::Complaints;
use crate::fields::FormFields;
use crate::fresh::{FRESH_FACTOR_NEEDED, SECOND_FACTOR_NEEDED};
use crate::problem::Problem;

/// A form as it is shown. Macros of `macros/forms.html` take it.
#[derive(Debug, Default)]
pub(crate) struct FormView {
    kept: BTreeMap<String, Vec<String>>,
    /// What was wrong, if it was sent.
    pub(crate) problem: Option<Problem>,
    /// What was wrong besides.
    others: Vec<Problem>,
}

impl FormView {
    /// A form that nobody has filled in yet.
    pub(crate) fn blank() -> Self {
        Self::default()
    }

    /// What was typed into these fields, to be shown again. A field for a secret is never among them.
    pub(crate) fn keep(fields: &FormFields, names: &[&str]) -> Self {
        let kept = names.iter().map(|name| ((*name).to_owned(), fields.typed(name))).collect();
        Self { kept, problem: None, others: Vec::new() }
    }

    /// The same with a value that stands there before anything is typed.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.kept.insert(name.to_owned(), vec![value.into()]);
        self
    }

    /// The same with ticks.
    #[must_use]
    pub(crate) fn with_all(mut self, name: &str, values: impl IntoIterator<Item = String>) -> Self {
        self.kept.insert(name.to_owned(), values.into_iter().collect());
        self
    }

    /// The same with what was wrong.
    #[must_use]
    pub(crate) fn refused(mut self, problem: Problem) -> Self {
        self.problem = Some(at_its_field(problem));
        self
    }

    /// The same with everything that was wrong.
    #[must_use]
    pub(crate) fn refused_for(mut self, complaints: Complaints) -> Self {
        let mut problems = complaints.into_problems().into_iter().map(at_its_field);
        self.problem = problems.next();
        self.others = problems.collect();
        self
    }

    /// Everything that was wrong.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &Problem> {
        self.problem.iter().chain(&self.others)
    }

    /// Whether something is wrong with one of these fields; their names with spaces between them.
    pub(crate) fn any_fault(&self, names: &str) -> bool {
        names.split(' ').any(|name| self.fault(name).is_some())
    }

    /// Everything that stands in fields of that name.
    pub(crate) fn values(&self, name: &str) -> &[String] {
        self.kept.get(name).map_or(&[], Vec::as_slice)
    }

    /// What stands in fields of that name besides the words that there are ticks for, as one text.
    pub(crate) fn besides(&self, name: &str, ticks: &str) -> String {
        let is_ticked = |value: &&str| ticks.split(' ').any(|tick| tick == *value);
        let values = self.values(name).iter().map(String::as_str);
        values.filter(|value| !value.is_empty() && !is_ticked(value)).collect::<Vec<_>>().join(", ")
    }

    /// Whether it was refused for want of a fresh proof of who sends it.
    pub(crate) fn asks_for_proof(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.code == FRESH_FACTOR_NEEDED)
    }

    /// Whether it was refused because whoever sends it has no second factor.
    pub(crate) fn asks_for_factor(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.code == SECOND_FACTOR_NEEDED)
    }

    /// What stands in a field.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.kept.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// Whether that choice or tick is set.
    pub(crate) fn is_set(&self, name: &str, value: &str) -> bool {
        self.kept.get(name).is_some_and(|values| values.iter().any(|set| set == value))
    }

    /// What is wrong with this field.
    pub(crate) fn fault(&self, name: &str) -> Option<&Problem> {
        self.faults().find(|problem| problem.at_field() == Some(name))
    }

    /// What is wrong with no field in particular.
    pub(crate) fn fault_of_none(&self) -> Option<&Problem> {
        self.faults().find(|problem| problem.at_field().is_none())
    }

    /// How many fields something is wrong with, where it is more than one.
    pub(crate) fn several_faults(&self) -> Option<usize> {
        Some(self.faults().filter(|problem| problem.at_field().is_some()).count()).filter(|count| *count > 1)
    }

    /// The field at which something is wrong.
    pub(crate) fn faulty_field(&self) -> Option<&str> {
        self.faults().find_map(Problem::at_field)
    }
}

/// A complaint in the words of a form. It stands at its field, so the field's name in the API says nothing more, and everything in a form
/// is text.
fn at_its_field(mut problem: Problem) -> Problem {
    let expected = problem.extra.get("expected").and_then(serde_json::Value::as_str);
    if let (Some(expected), Some(_)) = (expected, problem.at_field()) {
        let expected = expected.replace(" as text", "").replace('"', "");
        let missing = problem.code == "missing_field";
        problem.title = if missing { "Needed" } else { "Not as it should be" }.into();
        problem.detail = format!("expected {expected}").into();
        problem.next_step = if missing { "fill it in" } else { "change it" }.into();
    }
    problem
}

#[cfg(test)]
mod tests {
    use askama::Template;
    use http::StatusCode;

    use super::*;

    /// Every macro once, as pages call them.
    #[derive(Template)]
    #[template(
        ext = "html",
        source = r#"{%- import "macros/forms.html" as forms -%}
{% call forms::problem(form) %}{% endcall %}
{% call forms::fault(form, "free") %}{% endcall %}
{% call forms::text(form, "name", "Name", hint = "What it is called", code = true) %}{% endcall %}
{% call forms::text(form, "note", "Note", optional = true) %}{% endcall %}
{% call forms::secret(form, "secret_key", "Secret Key") %}{% endcall %}
{% call forms::lines(form, "symbols", "Symbols") %}{% endcall %}
{% call forms::select(form, "zone", "Zone", options) %}{% endcall %}
{% call forms::tick(form, "allow", "reads", "Reads") %}{% endcall %}
{% call forms::choice(form, "preset", "trader", "Trader", hint = "Buys and sells") %}{% endcall %}
{% call forms::act("/x", "Go", class = "danger") %}{% endcall %}"#
    )]
    struct All {
        form: FormView,
        options: Vec<(&'static str, &'static str)>,
    }

    fn shown(form: FormView) -> String {
        All { form, options: vec![("ny", "New York"), ("utc", "UTC")] }.render().unwrap()
    }

    fn problem(field: Option<&str>) -> Problem {
        let problem = Problem::new(StatusCode::CONFLICT, "x", "Taken", "`a<b` is taken", "choose another");
        match field {
            Some(field) => problem.with("field", field),
            None => problem,
        }
    }

    #[test]
    fn what_was_typed_stands_there_again_and_a_secret_never_does() {
        let form = FormView::blank()
            .with("name", "my \"bot\"")
            .with("secret_key", "CanarySecret")
            .with("zone", "utc")
            .with_all("allow", ["reads".to_owned()]);
        let html = shown(form);
        assert!(html.contains("value=\"my &#34;bot&#34;\""), "{html}");
        assert!(!html.contains("CanarySecret"));
        assert!(html.contains("value=\"utc\" selected") && html.contains("value=\"reads\" checked"));
        assert!(!html.contains("aria-invalid") && !html.contains("role=\"alert\""));
    }

    #[test]
    fn what_is_wrong_stands_at_its_field_with_the_next_step() {
        let html = shown(FormView::blank().refused(problem(Some("name"))));
        assert!(
            html.contains("aria-describedby=\"f-name-hint f-name-fault\" aria-invalid=\"true\""),
            "{html}"
        );
        assert!(html.contains("<b>Taken.</b> <code>a&lt;b</code> is taken."));
        assert!(html.contains("Next: Choose another."));
        assert!(html.contains("<a href=\"#f-name\">one field</a>"));
        let html = shown(FormView::blank().refused(problem(None)));
        assert!(html.contains("<h2>Taken</h2>") && !html.contains("aria-invalid"));
    }
}
