//! The README's table of trainings is what the kept logs say. `make tables` writes it anew.

use serde_json::Value;

use super::tree::files;

const START: &str = "<!-- trainings -->\n";
const END: &str = "<!-- /trainings -->";

/// A row for each `summary.json` of a run folder under assets/results.
fn table() -> String {
    let mut text = String::from(
        "| run | model | activation | epochs | validation, best (last) | test, best (last) | seed | device |\n|---|---|---|---|---|---|---|---|\n",
    );
    for file in files(&["assets/results"], &["json"]) {
        let Some(folder) = file.path.strip_suffix("/summary.json") else { continue };
        let s: Value = serde_json::from_str(&file.text).unwrap_or_else(|e| panic!("{}: {e}", file.path));
        let percent = |key: &str| s[key].as_f64().map(|share| format!("{:.2} %", 100.0 * share));
        let both = |best: &str, last: &str| match (percent(best), percent(last)) {
            (Some(best), Some(last)) => format!("{best} ({last})"),
            (best, last) => best.or(last).unwrap_or_else(|| "-".into()),
        };
        let validation = both("best_val_accuracy", "last_val_accuracy");
        let test = both("test_accuracy", "last_test_accuracy");
        let word = |key: &str| s[key].as_str().unwrap_or("-").to_owned();
        let name = folder.trim_start_matches("assets/results/");
        let device = word("device").split(" (").next().unwrap_or_default().to_owned();
        text += &format!(
            "| [{name}]({folder}) | {} | `{}` | {} | {validation} | {test} | {} | {device} |\n",
            word("model"),
            word("activation"),
            s["epochs"],
            s["seed"]
        );
    }
    text
}

/// The README's text before the table, the table, and what follows it.
fn parts(readme: &str) -> [String; 3] {
    let (before, rest) = readme.split_once(START).expect("the mark before the table");
    let (table, after) = rest.split_once(END).expect("the mark after the table");
    [before, table, after].map(str::to_owned)
}

#[test]
fn readme_says_what_the_logs_say() {
    let [_, written, _] = parts(include_str!("../../README.md"));
    assert!(written == table(), "README.md has another table than the logs: run `make tables`\n{}", table());
    assert!(table().lines().count() > 2, "there is no run");
}

/// Not a test: what `make tables` runs.
#[test]
#[ignore = "writes README.md"]
fn write() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let [before, _, after] = parts(&std::fs::read_to_string(path).expect("README.md"));
    std::fs::write(path, [&before, START, &table(), END, &after].concat()).expect("README.md is written");
}
