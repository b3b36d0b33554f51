//! A form as it is shown: what was typed before, and what was wrong with it.

use std::collections::BTreeMap;

use crate::fields::FormFields;
use crate::problem::Problem;

/// A form as it is shown. Macros of `macros/forms.html` take it.
#[derive(Debug, Default)]
pub(crate) struct FormView {
    kept: BTreeMap<String, Vec<String>>,
    /// What was wrong, if it was sent.
    pub(crate) problem: Option<Problem>,
}

impl FormView {
    /// A form that nobody has filled in yet.
    pub(crate) fn blank() -> Self {
        Self::default()
    }

    /// What was typed into these fields, to be shown again. A field for a secret is never among them.
    pub(crate) fn keep(fields: &FormFields, names: &[&str]) -> Self {
        let kept = names.iter().map(|name| ((*name).to_owned(), fields.typed(name))).collect();
        Self { kept, problem: None }
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
        self.problem = Some(problem);
        self
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
        self.problem.as_ref().filter(|problem| problem.at_field() == Some(name))
    }

    /// What is wrong with no field in particular.
    pub(crate) fn fault_of_none(&self) -> Option<&Problem> {
        self.problem.as_ref().filter(|problem| problem.at_field().is_none())
    }

    /// The field at which something is wrong.
    pub(crate) fn faulty_field(&self) -> Option<&str> {
        self.problem.as_ref().and_then(Problem::at_field)
    }
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
