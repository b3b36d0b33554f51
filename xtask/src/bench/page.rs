//! The page that is kept: a section for each thing that is measured.

/// The titles of the sections.
pub(super) const GATEWAY: &str = "## Gateway";
pub(super) const ORDERS: &str = "## Orders through the gateway";
pub(super) const FREEZE: &str = "## Freezing";
pub(super) const STREAMS: &str = "## Streams through the gateway";
pub(super) const SOAK: &str = "## Soak";
pub(super) const WEB: &str = "## Pages and API";
pub(super) const ROTATION: &str = "## Rotation";
pub(super) const PAPER: &str = "## Paper broker";

/// The page with another section in the place of the one with that title, or with one more.
pub(super) fn with_section(page: &str, title: &str, content: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    for line in page.lines() {
        match parts.last_mut() {
            Some(part) if !line.starts_with("## ") => {
                part.push_str(line);
                part.push('\n');
            }
            _ => parts.push(format!("{line}\n")),
        }
    }
    let section = format!("{title}\n\n{}\n", content.trim());
    match parts.iter_mut().find(|part| part.lines().next() == Some(title)) {
        Some(part) => *part = section,
        None => parts.push(section),
    }
    let parts: Vec<&str> = parts.iter().map(|part| part.trim_end()).collect();
    format!("{}\n", parts.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_sections_stay() {
        let page = "# Benchmarks\n\nAbout.\n\n## Gateway\n\nold\n\n## Paper broker\n\nkept\n";
        let changed = "# Benchmarks\n\nAbout.\n\n## Gateway\n\nnew\n\n## Paper broker\n\nkept\n";
        assert_eq!(with_section(page, GATEWAY, "new\n"), changed);
        assert_eq!(with_section("# Benchmarks\n", PAPER, "new"), "# Benchmarks\n\n## Paper broker\n\nnew\n");
    }
}
