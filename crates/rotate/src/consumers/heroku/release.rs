//! Whether an app runs a release.

use serde::Deserialize;

use crate::{Fault, FaultKind};

#[derive(Debug, Deserialize)]
pub(super) struct Release {
    pub(super) version: u64,
    status: Status,
    #[serde(default)]
    current: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Pending,
    Succeeded,
    Failed,
    Expired,
    #[serde(other)]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Dyno {
    name: String,
    r#type: String,
    state: String,
    release: DynoRelease,
}

#[derive(Debug, Deserialize)]
struct DynoRelease {
    version: u64,
}

/// The release that the app runs, when it is `ours` or a later one, which has the pair as well.
///
/// # Errors
/// [`FaultKind::NotYet`] while a release phase runs; [`FaultKind::Unexpected`] when ours failed and nothing later runs.
pub(super) fn settled(app: &str, newest_first: &[Release], ours: u64) -> Result<u64, Fault> {
    let current = newest_first.iter().find(|release| release.current && release.status == Status::Succeeded);
    if let Some(current) = current.filter(|release| release.version >= ours) {
        return Ok(current.version);
    }
    let pending =
        newest_first.iter().any(|release| release.version >= ours && release.status == Status::Pending);
    let failed = newest_first
        .iter()
        .any(|release| release.version >= ours && matches!(release.status, Status::Failed | Status::Expired));
    if failed && !pending {
        let message = format!("the release of {app} with the new pair failed: it runs the old one");
        let next_step = format!("See `heroku releases:output --app {app}`, mend it, and release again.");
        return Err(Fault::new(FaultKind::Unexpected, message, next_step));
    }
    let message = format!("the release of {app} with the new pair is not current yet");
    Err(Fault::new(FaultKind::NotYet, message, "It is asked again."))
}

/// Whether every dyno that serves runs release `ours` or a later one. Dynos of one command (`run`) keep what they were started with until they end.
///
/// # Errors
/// [`FaultKind::NotYet`] with the first that does not.
pub(super) fn all_run(app: &str, dynos: &[Dyno], ours: u64) -> Result<(), Fault> {
    for dyno in dynos.iter().filter(|dyno| !matches!(dyno.r#type.as_str(), "run" | "release")) {
        let what = match dyno.state.as_str() {
            "up" | "idle" if dyno.release.version >= ours => continue,
            _ if dyno.release.version < ours => format!("still runs release v{}", dyno.release.version),
            state => format!("is {state}"),
        };
        let message = format!("{} of {app} {what}", dyno.name);
        return Err(Fault::new(FaultKind::NotYet, message, format!("See `heroku ps --app {app}`.")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn releases(text: &str) -> Vec<Release> {
        serde_json::from_str(text).unwrap()
    }

    #[rstest]
    #[case(r#"[{"version":5,"status":"succeeded","current":true}]"#, Ok(5))]
    #[case(r#"[{"version":6,"status":"failed"},{"version":5,"status":"succeeded","current":true}]"#, Ok(5))]
    #[case(
        r#"[{"version":5,"status":"pending"},{"version":4,"status":"succeeded","current":true}]"#,
        Err(FaultKind::NotYet)
    )]
    #[case(
        r#"[{"version":5,"status":"failed"},{"version":4,"status":"succeeded","current":true}]"#,
        Err(FaultKind::Unexpected)
    )]
    #[case(r#"[{"version":4,"status":"succeeded","current":true}]"#, Err(FaultKind::NotYet))]
    #[case(r"[]", Err(FaultKind::NotYet))]
    fn release_five_is_watched(#[case] text: &str, #[case] expected: Result<u64, FaultKind>) {
        assert_eq!(settled("bot", &releases(text), 5).map_err(|fault| fault.kind), expected);
    }

    #[rstest]
    #[case("web", "up", 5, true)]
    #[case("web", "up", 4, false)]
    #[case("web", "starting", 5, false)]
    #[case("web", "crashed", 5, false)]
    #[case("run", "up", 4, true)]
    fn dynos_are_watched(#[case] kind: &str, #[case] state: &str, #[case] version: u64, #[case] good: bool) {
        let text = format!(
            r#"[{{"name":"{kind}.1","type":"{kind}","state":"{state}","release":{{"version":{version}}}}}]"#
        );
        let dynos: Vec<Dyno> = serde_json::from_str(&text).unwrap();
        assert_eq!(all_run("bot", &dynos, 5).is_ok(), good);
    }
}
