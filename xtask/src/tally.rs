//! Counting what passed and failed.

use std::fmt;
use std::ops::AddAssign;

/// The outcome of one or more suites.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

impl Tally {
    /// A suite that did not come to run its tests counts as one failure, so that it cannot look like an empty success.
    pub(crate) const BROKEN: Self = Self { passed: 0, failed: 1 };

    /// What the summaries of `cargo test` in this output add up to: lines such as
    /// `test result: ok. 3 passed; 0 failed; 0 ignored; ...`.
    pub(crate) fn of_cargo_test(output: &str) -> Self {
        let mut tally = Self::default();
        for line in output.lines().filter_map(|line| line.trim().strip_prefix("test result: ")) {
            let count = |unit: &str| {
                line.split([';', '.'])
                    .find_map(|part| part.trim().strip_suffix(unit)?.trim().parse::<u64>().ok())
            };
            tally += Self { passed: count("passed").unwrap_or(0), failed: count("failed").unwrap_or(0) };
        }
        tally
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_cargo_test_add_up() {
        let output = "\
running 3 tests
test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s

test result: ok. 40 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.00s
";
        assert_eq!(Tally::of_cargo_test(output), Tally { passed: 42, failed: 1 });
        assert_eq!(Tally::of_cargo_test("error: could not compile"), Tally::default());
    }
}
