//! The project's own tooling: `cargo xtask help` lists the commands.
//!
//! Everything that a test or a check needs and a machine may lack is set up under `.tools/`, so that a clean clone
//! needs no preparation. Nothing here is part of the product.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what a person sees is this program's purpose"
)]

mod bench;
mod browser;
mod build;
mod ci;
mod clients;
mod contract;
mod deny;
mod entrances;
mod front;
mod fuzz;
mod judge;
mod junit;
mod node;
mod packages;
mod postgres;
mod process;
mod python;
mod schema;
mod suites;
mod tally;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

const HELP: &str = "\
cargo xtask <command>

  demo [--release] [ARGS]     build Paddock and run `paddock demo ARGS`
  build [--release]           build the `paddock` binary
  test [rust|python|js|entrances|clients|judges|browser|api|schema]... [--write]
                              run the test suites (all when none is named), setting up what they need; --write keeps
                              what the clients saw in docs/paper-broker-clients.md, and pictures of the pages in
                              docs/screens
  judge [--write]             let all official clients of the services that consumers write to judge their fakes and our requests, also those that
                              the tests do not install; --write keeps the table in docs/consumers.md
  postgres COMMAND...         run a command with PADDOCK_TEST_POSTGRES_URL of a throw-away PostgreSQL
  ci                          everything that must hold: format, lints, walls, tests, fuzzing, documentation
  fuzz [TARGET]... [--seconds N]
                              feed the readers of the paper broker with made-up input, each target for a minute
  front                       bundle the scripts of the pages anew into front/dist/
  deny                        check the walls of deny.toml: bans, licenses, sources
  bench [gateway|orders|freeze|streams|web|rotation|soak|paper]... [--write] [--quick] [--minutes N]
                              measure the gateway beside nginx, haproxy and an asyncio relay, soak it for ten minutes, kill
                              rotations wherever they can die, and measure the pages and the paper broker; --write keeps
                              what was found in docs/BENCHMARKS.md
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<ExitCode> {
    let Some((command, rest)) = arguments.split_first() else {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    };
    if matches!(command.as_str(), "help" | "--help" | "-h") {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    let workspace = Workspace::find()?;
    match command.as_str() {
        // These two end with their closing line, whether it is good or bad.
        "test" => return suites::test(&workspace, rest),
        "ci" => return Ok(ci::ci(&workspace)),
        "judge" => return judge::judge(&workspace, rest),
        "demo" => build::demo(&workspace, rest)?,
        "build" => build::build(&workspace, rest)?,
        "postgres" => postgres::with_cluster(rest)?,
        "fuzz" => fuzz::fuzz(&workspace, rest)?,
        "front" => front::build(&workspace)?,
        "deny" => deny::check(&workspace)?,
        "bench" => bench::bench(&workspace, rest)?,
        other => bail!("no command named {other}\nhint: `cargo xtask help` lists the commands"),
    }
    Ok(ExitCode::SUCCESS)
}
