//! Judging SPDX license expressions (<https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/>).

use anyhow::{Result, bail};

/// Whether the allowed licenses suffice to use something under this expression. The old `MIT/Apache-2.0` counts as a
/// choice, as crates.io has always read it.
pub(super) fn allowed(expression: &str, allow: &[String]) -> Result<bool> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut reader = Reader { words: &words, allow };
    let verdict = reader.choice()?;
    if !reader.words.is_empty() {
        bail!("the license expression {expression} cannot be read");
    }
    Ok(verdict)
}

struct Reader<'a> {
    words: &'a [&'a str],
    allow: &'a [String],
}

impl<'a> Reader<'a> {
    fn choice(&mut self) -> Result<bool> {
        let mut verdict = self.conjunction()?;
        while self.accept("OR") {
            verdict |= self.conjunction()?;
        }
        Ok(verdict)
    }

    fn conjunction(&mut self) -> Result<bool> {
        let mut verdict = self.license()?;
        while self.accept("AND") {
            verdict &= self.license()?;
        }
        Ok(verdict)
    }

    fn license(&mut self) -> Result<bool> {
        if self.accept("(") {
            let verdict = self.choice()?;
            if !self.accept(")") {
                bail!("a license expression lacks a closing parenthesis");
            }
            return Ok(verdict);
        }
        let mut name = self.next()?.to_owned();
        if self.accept("WITH") {
            name = format!("{name} WITH {}", self.next()?);
        }
        Ok(self.allow.contains(&name))
    }

    fn accept(&mut self, word: &str) -> bool {
        match self.words.split_first() {
            Some((first, rest)) if *first == word => {
                self.words = rest;
                true
            }
            _ => false,
        }
    }

    fn next(&mut self) -> Result<&'a str> {
        let Some((first, rest)) = self.words.split_first() else {
            bail!("a license expression ends too early")
        };
        self.words = rest;
        Ok(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_judged() {
        let allow = ["MIT".to_owned(), "Apache-2.0".to_owned(), "Apache-2.0 WITH LLVM-exception".to_owned()];
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only/MIT", true),
            ("MIT AND OpenSSL", false),
            ("MIT AND (OpenSSL OR Apache-2.0)", true),
            ("OpenSSL OR MIT AND Apache-2.0", true),
            ("(OpenSSL OR MIT) AND ISC", false),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("MIT WITH Classpath-exception-2.0", false),
        ] {
            assert_eq!(allowed(expression, &allow).unwrap(), expected, "{expression}");
        }
        for broken in ["", "MIT OR", "(MIT", "MIT Apache-2.0"] {
            assert!(allowed(broken, &allow).is_err(), "{broken}");
        }
    }
}
