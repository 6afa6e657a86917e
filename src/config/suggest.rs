//! "Did you mean": the closest name to a misspelt one.

/// Number of insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replace = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replace.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

/// The name closest to `word`, if it is close enough to be meant: at most one edit in three letters. Case and the
/// difference between `-` and `_` do not count.
pub fn closest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A word of any length is a user's: longer than any name of ours, it is not compared.
    if word.is_empty() || word.len() > 100 {
        return None;
    }
    let plain = |s: &str| s.to_lowercase().replace('-', "_");
    let word = plain(word);
    names
        .into_iter()
        .map(|name| (distance(&word, &plain(name)), name))
        .filter(|(edits, name)| edits * 3 <= word.chars().count().max(name.chars().count()))
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, name)| name)
}

/// `"; did you mean X?"` for the closest name, or nothing.
pub fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    closest(word, names).map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}
