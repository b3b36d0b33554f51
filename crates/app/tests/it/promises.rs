//! `docs/SECURITY.md` names the test that proves each promise. It must be there.

use std::fs;
use std::path::Path;

#[test]
fn each_promise_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join("docs/SECURITY.md")).unwrap();
    let mut named = 0;
    for (path, function) in text.split('`').skip(1).step_by(2).filter_map(|code| code.split_once(".rs::")) {
        let path = root.join(format!("{path}.rs"));
        let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(source.contains(&format!("fn {function}(")), "there is no {function} in {}", path.display());
        named += 1;
    }
    assert!(named > 60, "only {named} tests are named");
    for hole in 1..=10 {
        assert!(text.contains(&format!("/hole_{hole:02}_")), "no test is named for hole {hole}");
    }
    let (_, promises) = text.split_once("\n## Promises\n").unwrap();
    for promise in promises.split("\n* ").skip(1) {
        assert!(promise.contains(".rs::"), "no test is named for: {promise}");
    }
}
