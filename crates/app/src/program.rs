//! What to type in a terminal to run this program.

use std::ffi::OsStr;
use std::path::Path;

const NAME: &str = "paddock";

/// `paddock` where that finds this program, and else its own path: what was built from source is on no search path.
pub(crate) fn name() -> String {
    std::env::current_exe()
        .map_or_else(|_| NAME.to_owned(), |own| typed(&own, std::env::var_os("PATH").as_deref()))
}

fn typed(own: &Path, search: Option<&OsStr>) -> String {
    let first = search
        .into_iter()
        .flat_map(std::env::split_paths)
        .map(|dir| dir.join(NAME))
        .find(|path| path.is_file());
    let is_own = |path: &Path| matches!((path.canonicalize(), own.canonicalize()), (Ok(one), Ok(other)) if one == other);
    if first.is_some_and(|path| is_own(&path)) { NAME.to_owned() } else { quoted(&own.to_string_lossy()) }
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    if word.chars().all(|letter| letter.is_alphanumeric() || "/._-+@:,".contains(letter)) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_path_is_told_unless_its_name_finds_it() {
        let home = tempfile::tempdir().unwrap();
        let dir = |name: &str| {
            let dir = home.path().join(name);
            std::fs::create_dir(&dir).unwrap();
            dir
        };
        let (built, installed, other) = (dir("built"), dir("installed"), dir("some other's"));
        let own = built.join(NAME);
        std::fs::write(&own, "").unwrap();
        std::fs::write(other.join(NAME), "another").unwrap();
        std::os::unix::fs::symlink(&own, installed.join(NAME)).unwrap();
        let path = own.to_str().unwrap().to_owned();
        let search = |dirs: &[&Path]| std::env::join_paths(dirs).unwrap();
        assert_eq!(typed(&own, None), path);
        assert_eq!(typed(&own, Some(&search(&[home.path()]))), path);
        assert_eq!(typed(&own, Some(&search(&[home.path(), &installed]))), NAME);
        // The first one counts, as for a shell.
        assert_eq!(typed(&own, Some(&search(&[&other, &installed]))), path);
        let theirs = other.join(NAME);
        assert_eq!(typed(&theirs, None), format!("'{}'", theirs.to_str().unwrap().replace('\'', r"'\''")));
    }
}
