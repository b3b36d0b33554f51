//! What git keeps: everything that any branch, tag, stash or reflog leads to, and what is staged. Git's own commands read it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::finding::Finding;
use super::walk::MAX_BYTES;
use super::{Looked, leaks};
use crate::failure::{Failure, Outcome};

/// An object and the file that it was, empty for commits and tags.
struct Object {
    id: String,
    path: String,
}

/// Looks through all objects of the repository.
pub(super) fn history(repository: &Path, exclude: &[String], looked: &mut Looked) -> Outcome {
    // The newest first, by descent: clocks may agree, or be wrong.
    let all = ["rev-list", "--objects", "--topo-order", "--in-commit-order", "--all", "--reflog"];
    let listed = output(repository, &all)?;
    let objects = String::from_utf8_lossy(&listed).lines().map(object).collect();
    let before = looked.findings.len();
    read(repository, objects, exclude, looked)?;
    for finding in &mut looked.findings[before..] {
        if let Some(id) = finding.commit.take() {
            finding.commit = Some(first_commit(repository, id)?);
        }
    }
    Ok(())
}

/// Looks through what is staged, as it will be committed.
pub(super) fn staged(repository: &Path, exclude: &[String], looked: &mut Looked) -> Outcome {
    let raw = [
        "diff",
        "--cached",
        "--raw",
        "-z",
        "--no-abbrev",
        "--no-renames",
        "--no-ext-diff",
        "--diff-filter=AM",
    ];
    let listed = output(repository, &raw)?;
    let text = String::from_utf8_lossy(&listed);
    let mut parts = text.split('\0');
    let mut objects = Vec::new();
    // `:MODE MODE OLD NEW KIND`, then the path. A mode of 160000 is another repository's commit.
    while let (Some(head), Some(path)) = (parts.next(), parts.next()) {
        let fields: Vec<&str> = head.trim_start_matches(':').split(' ').collect();
        if let [_, mode, _, id, _] = fields.as_slice()
            && *mode != "160000"
        {
            objects.push(Object { id: (*id).to_owned(), path: path.to_owned() });
        }
    }
    let before = looked.findings.len();
    read(repository, objects, exclude, looked)?;
    for finding in &mut looked.findings[before..] {
        finding.commit = None;
    }
    Ok(())
}

fn object(line: &str) -> Object {
    let (id, path) = line.split_once(' ').unwrap_or((line, ""));
    Object { id: id.to_owned(), path: path.to_owned() }
}

/// Looks at each object. A finding has the object's id in the place of its commit.
fn read(repository: &Path, objects: Vec<Object>, exclude: &[String], looked: &mut Looked) -> Outcome {
    let wanted =
        |object: &Object| !object.path.split('/').any(|part| exclude.iter().any(|name| name == part));
    let objects: Vec<Object> = objects.into_iter().filter(wanted).collect();
    let mut child = git(repository, &["cat-file", "--batch", "--buffer"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(no_git)?;
    let (Some(mut input), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(Failure::new("cannot talk to git"));
    };
    let mut answers = BufReader::new(stdout);
    let ids: String = objects.iter().map(|object| format!("{}\n", object.id)).collect();
    // Git stops reading when its own output is full, so that both must go on at once.
    let writer = std::thread::spawn(move || input.write_all(ids.as_bytes()));
    for object in &objects {
        look_at(object, &mut answers, looked)?;
    }
    _ = writer.join();
    end(child)
}

fn look_at(object: &Object, answers: &mut BufReader<ChildStdout>, looked: &mut Looked) -> Outcome {
    let broken = || Failure::new("git ended early").hint("run `git fsck`, and look again");
    let mut head = String::new();
    answers.read_line(&mut head).map_err(Failure::cannot("read from git"))?;
    let fields: Vec<&str> = head.trim_end().split(' ').collect();
    let [_, kind, size] = fields.as_slice() else {
        if head.trim_end().ends_with("missing") {
            looked.skipped.push(format!("object {}: git does not have it", object.id));
            return Ok(());
        }
        return Err(broken());
    };
    let size: u64 = size.parse().map_err(|_| broken())?;
    let is_text = *kind != "tree";
    if !is_text || size > MAX_BYTES {
        if is_text {
            looked.skipped.push(format!("object {}: it has more than 50 MiB", object.id));
        }
        let skipped = std::io::copy(&mut answers.by_ref().take(size + 1), &mut std::io::sink());
        skipped.map_err(Failure::cannot("read from git"))?;
        return Ok(());
    }
    let mut bytes = Vec::new();
    answers.by_ref().take(size + 1).read_to_end(&mut bytes).map_err(Failure::cannot("read from git"))?;
    if bytes.pop() != Some(b'\n') {
        return Err(broken());
    }
    let path = if object.path.is_empty() { format!("the text of the {kind}") } else { object.path.clone() };
    for leak in leaks(&bytes) {
        if let Some(known) = looked.findings.iter_mut().find(|finding| finding.repeats(&leak, &path)) {
            // Newest first: the oldest stays.
            known.again += 1;
            known.leak = leak;
            known.commit = Some(object.id.clone());
            continue;
        }
        let finding = Finding { commit: Some(object.id.clone()), ..Finding::new(leak, path.clone()) };
        looked.findings.push(finding);
    }
    Ok(())
}

/// The commit that brought an object; a commit is its own.
fn first_commit(repository: &Path, id: String) -> Outcome<String> {
    let find = format!("--find-object={id}");
    let all = ["log", "--topo-order", "--all", "--reflog", "--format=%H", "--no-ext-diff", "-m", &find];
    let found = output(repository, &all)?;
    let text = String::from_utf8_lossy(&found);
    Ok(text.lines().last().map_or(id, str::to_owned))
}

/// Git in that repository, without what its configuration could make it run.
fn git(repository: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(repository).args(["--no-replace-objects", "-c", "core.fsmonitor=false"]);
    command.args(arguments).env("GIT_OPTIONAL_LOCKS", "0").stdin(Stdio::null());
    command
}

fn output(repository: &Path, arguments: &[&str]) -> Outcome<Vec<u8>> {
    let done = git(repository, arguments).output().map_err(no_git)?;
    if done.status.success() {
        return Ok(done.stdout);
    }
    let said = String::from_utf8_lossy(&done.stderr);
    let said = said.lines().next().unwrap_or_default().trim_start_matches("fatal: ");
    Err(Failure::new(format!("git cannot read {}: {said}", repository.display()))
        .hint("name a git repository: `paddock scan --git PATH`"))
}

fn end(mut child: Child) -> Outcome {
    let status = child.wait().map_err(Failure::cannot("wait for git"))?;
    if status.success() { Ok(()) } else { Err(Failure::new(format!("git ended with {status}"))) }
}

fn no_git(error: std::io::Error) -> Failure {
    Failure::new(format!("cannot run git: {error}")).hint("install git")
}
