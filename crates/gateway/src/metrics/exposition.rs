//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write as _};

use super::histogram::{BOUNDS, Held};

/// A text in the making. The samples of a family follow its heading.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    text: String,
    family: &'static str,
}

/// What kind of numbers a family has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Durations by size.
    Histogram,
}

/// Names and values of labels.
pub(crate) type Labels<'a> = &'a [(&'a str, &'a str)];

impl Exposition {
    /// Begins a family. `help` is one line.
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.family = name;
        // Writing to a string does not fail.
        _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// Adds a number to the family.
    pub(crate) fn sample(&mut self, labels: Labels<'_>, value: impl Display) {
        self.line("", labels, None, value);
    }

    /// A family of one number.
    pub(crate) fn single(&mut self, name: &'static str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.sample(&[], value);
    }

    /// Adds durations to the family, in seconds.
    pub(crate) fn histogram(&mut self, labels: Labels<'_>, held: &Held) {
        for (bound, count) in BOUNDS.into_iter().zip(held.up_to) {
            self.line("_bucket", labels, Some(&Seconds(bound).to_string()), count);
        }
        self.line("_bucket", labels, Some("+Inf"), held.count);
        self.line("_sum", labels, None, Seconds(held.sum));
        self.line("_count", labels, None, held.count);
    }

    fn line(&mut self, suffix: &str, labels: Labels<'_>, up_to: Option<&str>, value: impl Display) {
        self.text.push_str(self.family);
        self.text.push_str(suffix);
        let bound = up_to.map(|up_to| ("le", up_to));
        let mut separator = '{';
        for (name, value) in labels.iter().copied().chain(bound) {
            self.text.push(separator);
            separator = ',';
            self.text.push_str(name);
            self.text.push_str("=\"");
            for letter in value.chars() {
                match letter {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    other => self.text.push(other),
                }
            }
            self.text.push('"');
        }
        if separator == ',' {
            self.text.push('}');
        }
        _ = writeln!(self.text, " {value}");
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// Microseconds, written as seconds without a float on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seconds(pub(crate) u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let rest = format!("{rest:06}");
        write!(f, "{whole}.{}", rest.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::metrics::Histogram;

    #[rstest]
    #[case(0, "0")]
    #[case(50, "0.00005")]
    #[case(2_500, "0.0025")]
    #[case(1_000_000, "1")]
    #[case(61_200_000, "61.2")]
    fn seconds_have_no_more_digits_than_they_need(#[case] micros: u64, #[case] text: &str) {
        assert_eq!(Seconds(micros).to_string(), text);
    }

    #[test]
    fn a_family_has_a_heading_and_labels_are_escaped() {
        let mut text = Exposition::default();
        text.family("x_total", Kind::Counter, "Some things.");
        text.sample(&[("key", "a\"b\\c\nd"), ("class", "order")], 3);
        text.single("y", Kind::Gauge, "One thing.", 1);
        assert_eq!(
            text.finish(),
            "# HELP x_total Some things.\n# TYPE x_total counter\nx_total{key=\"a\\\"b\\\\c\\nd\",class=\"order\"} 3\n\
             # HELP y One thing.\n# TYPE y gauge\ny 1\n"
        );
    }

    #[test]
    fn a_histogram_ends_with_everything() {
        let histogram = Histogram::default();
        histogram.observe(70);
        let mut text = Exposition::default();
        text.family("x_seconds", Kind::Histogram, "Durations.");
        text.histogram(&[("api", "data")], &histogram.held());
        let text = text.finish();
        for line in [
            "x_seconds_bucket{api=\"data\",le=\"0.00005\"} 0",
            "x_seconds_bucket{api=\"data\",le=\"0.0001\"} 1",
            "x_seconds_bucket{api=\"data\",le=\"+Inf\"} 1",
            "x_seconds_sum{api=\"data\"} 0.00007",
            "x_seconds_count{api=\"data\"} 1",
        ] {
            assert!(text.lines().any(|one| one == line), "{line} in {text}");
        }
    }
}
