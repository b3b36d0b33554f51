//! Counting the tests of a JUnit report, which nextest, pytest and node's test runner all write.

use std::path::Path;

use anyhow::{Context, Result};

use crate::tally::Tally;

/// The outcome that the report in this file tells.
pub(crate) fn read(file: &Path) -> Result<Tally> {
    let xml =
        std::fs::read_to_string(file).with_context(|| format!("no test report at {}", file.display()))?;
    Ok(count(&xml))
}

/// Counts `<testcase>` elements by what is inside them. A literal `<` in text and attributes is always escaped in
/// XML, so looking for tags is safe.
fn count(xml: &str) -> Tally {
    let mut tally = Tally::default();
    for case in xml.split("<testcase").skip(1) {
        let self_closed = case.split_once('>').is_some_and(|(head, _)| head.ends_with('/'));
        let body = if self_closed { "" } else { case.split("</testcase>").next().unwrap_or_default() };
        let has = |tag: &str| body.contains(tag);
        if has("<failure") || has("<error") {
            tally.failed += 1;
        } else if !has("<skipped") {
            tally.passed += 1;
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_count_by_their_outcome() {
        let xml = r#"<?xml version="1.0"?>
<testsuites tests="5"><testsuite name="a">
  <testcase name="passes" time="0.1"/>
  <testcase name="passes &lt;failure too" time="0.1"><system-out>text</system-out></testcase>
  <testcase name="fails"><failure message="no">why</failure></testcase>
  <testcase name="breaks"><error message="no"/></testcase>
  <testcase name="skipped"><skipped/></testcase>
</testsuite></testsuites>"#;
        assert_eq!(count(xml), Tally { passed: 2, failed: 2 });
    }

    #[test]
    fn a_failure_after_a_self_closed_case_is_not_that_cases() {
        let xml = r#"<testcase name="a"/><testcase name="b"><failure/></testcase>"#;
        assert_eq!(count(xml), Tally { passed: 1, failed: 1 });
    }
}
