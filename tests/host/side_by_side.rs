//! Comparisons of runs, and the report's look into the answers.

use wgrad::config::{Published, Which};
use wgrad::data::image_file;
use wgrad::report::{
    self, CompareRow, Compared, ComparedRun, Details, Filters, Measure, Mistake, Spread, compare_markdown,
    compare_svg,
};

use super::report::{elements, epochs, summary};

fn run(seed: u32, test: f64) -> ComparedRun {
    let mut summary = summary();
    (summary.seed, summary.test_accuracy) = (seed, test);
    ComparedRun { summary, metrics: epochs(4), monte_carlo: None }
}

#[test]
fn a_spread_is_mean_and_sample_deviation() {
    assert_eq!(Spread::of(&[]), None);
    assert_eq!(Spread::of(&[0.5]), Some(Spread { mean: 0.5, deviation: None, count: 1 }));
    // Deviations -1, 0, 1 about 2: the sample variance is 2/2.
    let three = Spread::of(&[1.0, 2.0, 3.0]).unwrap();
    assert_eq!((three.mean, three.deviation, three.count), (2.0, Some(1.0), 3));
}

#[test]
fn rows_hold_the_runs_and_what_was_published() {
    let published = Published {
        source: "a table".into(),
        validation: Some(92.47),
        test: Some(92.58),
        which: Which::Last,
        note: "one run".into(),
        ..Published::default()
    };
    let mut passes = run(3, 0.5);
    passes.monte_carlo = Some((Some(0.4625), 0.46));
    let all = [
        Compared { name: "first".into(), runs: vec![run(0, 0.91), run(1, 0.93)], published: Some(published) },
        Compared { name: "second".into(), runs: vec![passes], published: None },
    ];
    let rows: Vec<CompareRow> = all.iter().map(CompareRow::of).collect();
    assert_eq!(rows[0].seeds, [0, 1]);
    let text = compare_markdown(&rows);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 4, "{text}");
    let columns = |line: &str| line.matches(" | ").count();
    assert!(lines.iter().filter(|line| line.contains(" | ")).all(|line| columns(line) == columns(lines[0])));
    for word in [
        "first",
        "92.00 ± 1.41 (2)",
        "validation 92.47, test 92.58 (last); one run; a table",
        "31.25 ± 0.00 (2)",
    ] {
        assert!(lines[2].contains(word), "{word}: {}", lines[2]);
    }
    assert!(lines[3].contains("50.00; passes 46.00") && lines[3].contains("; passes 46.25"), "{}", lines[3]);
    let json = serde_json::to_value(&rows).unwrap();
    assert_eq!(json[0]["best_test"]["count"], 2);
    assert_eq!(json[0]["published"]["which"], "last");
}

#[test]
fn published_curves_lie_behind_our_own() {
    let with = |history: Option<&str>| {
        let published = Published { history: history.map(String::from), ..Published::default() };
        let all = [Compared { name: "own".into(), runs: vec![run(0, 0.9)], published: Some(published) }];
        compare_svg(&all, Measure::Accuracy)
    };
    let (plain, behind) = (with(None), with(Some("DropActivation")));
    elements(&behind, &[]);
    assert!(!plain.contains("published") && behind.contains("DropActivation, published"));
    assert!(behind.contains("own, seed 0"));
    let pale = |svg: &str| svg.matches("opacity=\"0.3\"").count();
    assert_eq!((pale(&plain), pale(&behind)), (0, 2), "a line and its name");
    elements(&compare_svg(&[], Measure::Loss), &[]);
}

#[test]
fn the_report_shows_answers_and_images() {
    let pixels: Vec<u8> = (0..32 * 32 * 3).map(|i| (i % 251) as u8).collect();
    let png = image_file::png(&pixels, 32, 32).unwrap();
    assert!(image_file::png(&pixels, 31, 32).is_err());
    let details = Details {
        classes: vec!["<cat>".into(), "dog".into()],
        confusion: vec![vec![8, 2], vec![0, 5]],
        mistakes: vec![Mistake { image: 7, label: 0, answer: 1, p: 0.97, p_label: 0.021, png: png.clone() }],
        sparsity: vec![("conv1.weight".into(), 90, 120)],
        filters: Some(Filters { size: 3, values: (0..54).map(|i| i as f32).collect() }),
    };
    let folder = tempfile::tempdir().unwrap();
    report::write_detailed(folder.path(), &epochs(4), &summary(), "seed = 1\n", &details).unwrap();
    let html = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    let seen = elements(&html, &["meta", "img", "br"]);
    let count = |tag: &str| seen.iter().filter(|name| *name == tag).count();
    assert_eq!((count("img"), count("svg")), (1, 4 + 2), "an image, four panels, two filters");
    for text in [
        "&lt;cat&gt;",
        "80.0 %",
        "100.0 %",
        "97 %",
        "is &lt;cat&gt;, 2.1 %",
        "--share:0.200",
        "rgb(0,88,177)",
        "75.0 % of 120",
        "rgb(78,167,255)",
    ] {
        assert!(html.contains(text), "{text}");
    }
    let bare = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assert!(!bare.contains("http") && !bare.contains("url("), "no network");
    let data = html.split("data:image/png;base64,").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap(), png);
}
