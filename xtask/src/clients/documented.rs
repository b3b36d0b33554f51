//! What `docs/paper-broker.md` says of each operation.

/// A row of its tables of operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// The heading above the table.
    pub group: String,
    /// Alpaca's id of the operation.
    pub id: String,
    /// Method and path.
    pub target: String,
    /// What is said of it.
    pub here: String,
}

impl Operation {
    /// Whether it is said that the broker does not offer it.
    pub fn is_not_offered(&self) -> bool {
        self.here.starts_with("not offered")
    }

    /// Whether it is said that it answers with this status.
    pub fn tells(&self, status: u16) -> bool {
        self.here.contains(&status.to_string())
    }
}

/// All rows, in their order.
pub(super) fn operations(page: &str) -> Vec<Operation> {
    let mut group = String::new();
    let mut found = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            heading.clone_into(&mut group);
        }
        let cells: Vec<&str> = line.trim().trim_matches('|').splitn(3, '|').map(str::trim).collect();
        let [id, target, here] = cells[..] else { continue };
        let (Some(id), Some(target)) = (code(id), code(target)) else { continue };
        let method = target.split(' ').next().unwrap_or_default();
        if ["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method) {
            let [id, target, here] = [id, target, here].map(str::to_owned);
            found.push(Operation { group: group.clone(), id, target, here });
        }
    }
    found
}

/// What stands between two backquotes, if a cell is nothing else.
fn code(cell: &str) -> Option<&str> {
    let inner = cell.strip_prefix('`')?.strip_suffix('`')?;
    (!inner.contains('`')).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_operations_are_found_among_others() {
        let page = "\
### Trading

| operation | path | here |
|---|---|---|
| `getAccount` | `GET /v2/account` | done; one formula |
| `News` | `GET /v1beta1/news` | not offered: 501 `50110000` |

| request | body | answer |
| `POST /accounts` | `{}`, optional | 201 |
";
        let found = operations(page);
        let short: Vec<_> = found.iter().map(|one| (one.group.as_str(), one.id.as_str())).collect();
        assert_eq!(short, [("Trading", "getAccount"), ("Trading", "News")]);
        assert_eq!(found.iter().map(Operation::is_not_offered).collect::<Vec<_>>(), [false, true]);
        assert!(found[1].tells(501) && !found[1].tells(404));
    }
}
