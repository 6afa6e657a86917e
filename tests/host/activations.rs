//! The table of activations for people: README, help and `wgrad activations` say what the table says.

use assert_cmd::Command;
use wgrad::kernels::{ACTIVATIONS, Activation, activation};

fn wgrad(args: &[&str]) -> String {
    let output =
        Command::cargo_bin("wgrad").expect("the program is built").args(args).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn readme_has_the_table() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("<!-- activations -->\n").expect("the mark before the table");
    let (table, _) = rest.split_once("<!-- /activations -->").expect("the mark after the table");
    assert!(
        table == activation::markdown(),
        "write what `wgrad activations --markdown` prints into README.md"
    );
    assert_eq!(wgrad(&["activations", "--markdown"]), activation::markdown());
}

#[test]
fn help_lists_every_activation() {
    for command in ["train", "bench", "profile", "step"] {
        let help = wgrad(&[command, "--help"]);
        for row in ACTIVATIONS {
            assert!(help.contains(row.name), "{command} --help does not name {}", row.name);
            for parameter in row.parameters {
                assert!(
                    help.contains(parameter.name),
                    "{command} --help: no {} of {}",
                    parameter.name,
                    row.name
                );
            }
        }
    }
}

#[test]
fn listing_has_what_the_table_has() {
    let rows: serde_json::Value = serde_json::from_str(&wgrad(&["activations", "--json"])).expect("JSON");
    let rows = rows.as_array().expect("an array");
    assert_eq!(rows.len(), ACTIVATIONS.len());
    for (json, row) in rows.iter().zip(ACTIVATIONS) {
        assert_eq!(json["name"], row.name);
        assert_eq!(json["formula"], row.formula);
        assert_eq!(json["parameters"].as_array().map(Vec::len), Some(row.parameters.len()));
        let spec = json["spec"].as_str().expect("a SPEC");
        assert_eq!(Activation::parse(spec).expect("it reads back").spec(), spec);
        assert!(json["source"].is_string());
    }
    let text = wgrad(&["activations"]);
    assert!(ACTIVATIONS.iter().all(|row| text.contains(row.formula)));
}

#[test]
fn plots_are_drawn() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    wgrad(&["activations", "--plot", folder.path().to_str().expect("UTF-8")]);
    for row in ACTIVATIONS {
        let path = folder.path().join(format!("{}.svg", row.name));
        let svg = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{}", row.name);
        assert!(svg.matches("<polyline").count() >= 2, "{}: two lines", row.name);
        // Bands where there is noise: on the value, and on the derivative.
        assert_eq!(svg.matches("<polygon").count(), if row.stochastic() { 2 } else { 0 }, "{}", row.name);
    }
}
