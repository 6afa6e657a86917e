//! The report as Markdown.

use wgrad::measure::check::Outcome;

use crate::Found;
use crate::faults::Fault;

/// A table with a row for each fault.
pub fn markdown(device: &str, rows: &[(Fault, Found)]) -> String {
    let seen = |race: bool| {
        let own = rows.iter().filter(|(fault, found)| fault.race == race && !matches!(found, Found::NotRun));
        let own: Vec<_> = own.collect();
        (own.iter().filter(|(_, found)| matches!(found, Found::By(_))).count(), own.len())
    };
    let ((plain, all_plain), (races, all_races)) = (seen(false), seen(true));
    let not_run = rows.len() - all_plain - all_races;
    let mut text = format!(
        "# Faults that the checks were tried with\n\n\
         Device: {device}\n\n\
         `cargo run --release --example mutations -- REPORT.md`\n\n\
         Seen: {plain} of {all_plain} wrong formulas, {races} of {all_races} missing barriers; {not_run} in kernels that this \
         device does not run. Whether a missing barrier changes \
         a result depends on the driver: one that runs a workgroup's invocations as the lanes of one vector, or each to the end \
         before the next, has the same order with and without some of them. Those not seen here are listed all the same.\n\n\
         | kernel | fault | text | in its place | first check that fails | got, expected | error / tolerance |\n\
         |---|---|---|---|---|---|---|\n"
    );
    for (fault, found) in rows {
        let Fault { kernel, what, from, to, .. } = fault;
        let (check, values, ratio) = match found {
            Found::By(outcome) => described(outcome),
            Found::Not(checks) => (format!("**none of {checks}**"), String::new(), String::new()),
            Found::NotRun => ("not run".to_owned(), String::new(), String::new()),
        };
        let cells = [code(from), code(to), check, values, ratio].join(" | ");
        text += &format!("| {kernel} | {what} | {cells} |\n");
    }
    text
}

fn described(outcome: &Outcome) -> (String, String, String) {
    let Outcome { kernel, case, tensor, element, got, expected, max_error, tolerance, .. } = outcome;
    let name = if kernel == "network" { format!("network: {case}") } else { case.clone() };
    let place = format!("{name}: {tensor}[{element}]");
    let ratio = match *tolerance > 0.0 {
        true if max_error.is_finite() => format!("{:.1e}", max_error / tolerance),
        _ => "no such value".to_owned(),
    };
    (escape(&place), format!("{got:.6e}, {expected:.6e}"), ratio)
}

fn code(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() { "(nothing)".to_owned() } else { format!("`{}`", escape(&line)) }
}

fn escape(text: &str) -> String {
    text.replace('|', "\\|")
}
