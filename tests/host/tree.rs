//! The repository's own files, for the tests that read them.

use std::fs;
use std::path::Path;

/// A file of the tree.
pub struct File {
    /// Path from the repository's root, with `/`.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl File {
    /// Number of lines.
    pub fn lines(&self) -> usize {
        self.text.lines().count()
    }
}

/// All files with one of these extensions under these folders, by path.
pub fn files(folders: &[&str], extensions: &[&str]) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in folders {
        collect(root, &root.join(folder), extensions, &mut found);
    }
    assert!(!found.is_empty(), "no {extensions:?} files under {folders:?}");
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn collect(root: &Path, folder: &Path, extensions: &[&str], found: &mut Vec<File>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, extensions, found);
        } else if path.extension().is_some_and(|e| extensions.iter().any(|known| e == *known)) {
            let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let parts = path.strip_prefix(root).unwrap().iter().map(|part| part.to_str().unwrap());
            found.push(File { path: parts.collect::<Vec<_>>().join("/"), text });
        }
    }
}

/// Rust text without `//` comments, line for line.
pub fn without_comments(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        // A `//` inside a string (an address, say) has an odd number of quotes before it.
        let comment =
            line.match_indices("//").find(|(at, _)| line[..*at].matches('"').count().is_multiple_of(2));
        code.push_str(comment.map_or(line, |(at, _)| &line[..at]));
        code.push('\n');
    }
    code
}
