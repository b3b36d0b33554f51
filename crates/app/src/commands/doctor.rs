//! `paddock doctor`: what is wrong, and what to do about it.

use clap::Args;

use crate::context::Context;
use crate::doctor::{self, Checkup, Verdict};
use crate::failure::{Failure, Outcome};
use crate::paint::Paint;

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Accept that the database is older than it was: revocations, freezes and used-up caps since then are undone
    #[arg(long)]
    accept_rollback: bool,
}

pub(crate) async fn run(args: DoctorArgs, context: &Context) -> Outcome {
    let dir = context.data_dir()?;
    if args.accept_rollback {
        let accepted = doctor::accept_rollback(&dir, &context.config(&dir)?).await?;
        crate::output::note(&accepted);
    }
    let checkups = doctor::examine(&dir, context).await;
    context
        .output
        .show(&checkups, |paint| checkups.iter().map(|checkup| describe(checkup, paint)).collect())?;
    let failed = checkups.iter().filter(|checkup| checkup.verdict == Verdict::Fail).count();
    match failed {
        0 => Ok(()),
        1 => Err(Failure::refused("one check failed").hint("take the step that is named above with it")),
        count => Err(Failure::refused(format!("{count} checks failed"))
            .hint("take the steps that are named above with them")),
    }
}

fn describe(checkup: &Checkup, paint: Paint) -> String {
    let mark = match checkup.verdict {
        Verdict::Ok => paint.good("ok  "),
        Verdict::Warn => paint.warn("warn"),
        Verdict::Fail => paint.bad("fail"),
    };
    let mut text = format!("{mark}  {:<15} {}\n", checkup.name, checkup.finding);
    if let Some(step) = &checkup.next_step {
        text += &format!("      {:<15} next: {step}\n", "");
    }
    text
}
