//! What a key may do: a preset, permission classes, operations by name.

use http::StatusCode;
use paddock_alpaca::operation;
use paddock_core::scope::Preset;
use paddock_core::{PermissionClass, Scope};

use crate::complaints::Complaints;
use crate::fields::Fields;
use crate::problem::{Problem, shown};

pub(super) fn read(fields: &mut Fields, scope: &mut Scope, complaints: &mut Complaints) {
    let known = complaints.count();
    let preset = complaints.hear(fields.text("preset"));
    let allow = complaints.hear(fields.list("allow"));
    if let Some(name) = &preset {
        match Preset::named(name) {
            Some(preset) => preset.apply(scope),
            None => complaints.add(Problem::not_allowed("preset", name, &Preset::ALL.map(|(name, _)| name))),
        }
    }
    for entry in allow.iter().flatten() {
        complaints.hear(allow_entry(entry, scope));
    }
    if preset.is_none() && allow.is_none() && complaints.count() == known {
        let missing = Problem::missing("preset", "what the key may do: a `preset`, or operations in `allow`");
        complaints.add(missing.with("allowed", Preset::ALL.map(|(name, _)| name).to_vec()));
    }
}

/// One entry of `allow`: a permission class or an operationId.
fn allow_entry(entry: &str, scope: &mut Scope) -> Result<(), Problem> {
    if let Some(class) = PermissionClass::ALL.into_iter().find(|class| class.as_str() == entry) {
        if class == PermissionClass::MoneyOut {
            let names: Vec<&str> = operations_of(class).collect();
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "money_out_by_name_only",
                "Operations that move money out are allowed by name only",
                "`money-out` cannot be allowed as a whole: these operations can empty the account",
                format!("name the operations that are meant: {}", names.join(", ")),
            )
            .with("field", "allow")
            .with("allowed", names));
        }
        scope.classes.insert(class);
        return Ok(());
    }
    if let Some(operation) = operation::by_id(entry) {
        scope.operations.insert(operation.id.to_owned());
        return Ok(());
    }
    let classes: Vec<&str> = PermissionClass::ALL
        .into_iter()
        .filter(|class| *class != PermissionClass::MoneyOut)
        .map(PermissionClass::as_str)
        .collect();
    let nearest = classes
        .iter()
        .copied()
        .chain(operation::all().map(|operation| operation.id))
        .map(|name| (distance(&entry.to_ascii_lowercase(), &name.to_ascii_lowercase()), name))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    let mut next_step = format!(
        "use a class ({}) or an operationId of Alpaca's API, for example `postOrder`",
        classes.join(", ")
    );
    if let Some((_, name)) = nearest {
        next_step = format!("did you mean `{name}`? otherwise {next_step}");
    }
    let mut problem = Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "unknown_operation",
        "Unknown operation",
        format!("`{}` in `allow` is neither a class nor an operation", shown(entry)),
        next_step,
    )
    .with("field", "allow")
    .with("allowed", classes)
    .with("operations", operation::all().map(|operation| operation.id).collect::<Vec<_>>());
    if let Some((_, name)) = nearest {
        problem = problem.with("did_you_mean", name);
    }
    Err(problem)
}

pub(super) fn operations_of(class: PermissionClass) -> impl Iterator<Item = &'static str> {
    operation::all().filter(move |operation| operation.class == class).map(|operation| operation.id)
}

/// Whether any operation that is allowed can bring an order about.
pub(crate) fn allows_orders(scope: &Scope) -> bool {
    let trades = |class| matches!(class, PermissionClass::Order | PermissionClass::PositionClose);
    scope.classes.iter().any(|class| trades(*class))
        || scope
            .operations
            .iter()
            .filter_map(|id| operation::by_id(id))
            .any(|operation| trades(operation.class))
}

/// How many letters must be changed, put in or taken out to make one text of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (position, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], position + 1);
        for (column, candidate) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *candidate);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::distance;

    #[rstest]
    #[case("", "abc", 3)]
    #[case("postorder", "postOrder", 1)]
    #[case("kitten", "sitting", 3)]
    fn distances_count_changes(#[case] one: &str, #[case] other: &str, #[case] expected: usize) {
        assert_eq!(distance(one, other), expected);
    }
}
