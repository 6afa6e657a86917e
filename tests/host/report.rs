//! Metrics log, summary, curves and HTML.

use std::fs;
use std::path::Path;

use wgrad::report::{self, Measure};
use wgrad::train::metrics::{self, EpochMetrics, MetricsLog, Summary};

fn epoch(epoch: u32) -> EpochMetrics {
    let e = f64::from(epoch);
    EpochMetrics {
        epoch,
        step: u64::from(epoch) * 57,
        lr: 0.1 / e,
        train_loss: 2.3 / e,
        train_accuracy: 1.0 - 0.9 / e,
        val_loss: Some(2.4 / e),
        val_accuracy: Some(1.0 - 0.91 / e),
        seconds: 12.5,
        images_per_second: 144.0,
    }
}

pub fn epochs(count: u32) -> Vec<EpochMetrics> {
    (1..=count).map(epoch).collect()
}

fn without_validation(mut m: EpochMetrics) -> EpochMetrics {
    (m.val_loss, m.val_accuracy) = (None, None);
    m
}

pub fn summary() -> Summary {
    Summary {
        model: "resnet56".into(),
        activation: "dropact:retain=0.95".into(),
        parameters: 853_018,
        epochs: 4,
        best_epoch: 3,
        best_val_accuracy: Some(0.3125),
        last_val_accuracy: Some(0.3),
        last_test_accuracy: Some(0.29),
        test_accuracy: 0.3,
        test_loss: 1.9,
        tta: wgrad::config::Tta::None,
        seconds: 3723.0,
        device: "llvmpipe (LLVM 15.0.6, 256 bits)".into(),
        seed: 0,
    }
}

/// Equal but for the last bit of a number, which `serde_json` does not promise to read back.
#[track_caller]
fn same(read: &[EpochMetrics], want: &[EpochMetrics]) {
    let numbers = |m: &EpochMetrics| {
        let optional = [m.val_loss, m.val_accuracy].map(|v| v.unwrap_or(-1.0));
        let always = [m.lr, m.train_loss, m.train_accuracy, m.seconds, m.images_per_second];
        [&always[..], &optional[..]].concat()
    };
    assert_eq!(read.len(), want.len());
    for (r, w) in read.iter().zip(want) {
        assert_eq!((r.epoch, r.step), (w.epoch, w.step));
        for (a, b) in numbers(r).into_iter().zip(numbers(w)) {
            assert!((a - b).abs() <= f64::EPSILON * b.abs(), "read {r:?}, written {w:?}");
        }
    }
}

/// Checks that the tags of a document balance and that attributes are quoted; returns the names of all elements.
/// `void` elements have no end. Text between `<style>` and its end is skipped.
pub fn elements(text: &str, void: &[&str]) -> Vec<String> {
    let (mut open, mut seen, mut rest) = (Vec::<String>::new(), Vec::new(), text);
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "stray > in {:?}", &rest[..start]);
        let end = start + rest[start..].find('>').expect("an open tag without its end");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        assert!(!tag.contains('<'), "a tag within a tag: {tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "quotes in <{tag}>");
        if tag.starts_with(['!', '?']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "</{name}> closes another element");
            continue;
        }
        let name = tag.split([' ', '/', '\n']).next().unwrap().to_string();
        seen.push(name.clone());
        if name == "style" {
            let end = rest.find("</style>").expect("the end of the style");
            rest = &rest[end..];
        }
        if !tag.ends_with('/') && !void.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    seen
}

fn check_svg(svg: &str) -> Vec<String> {
    assert!(svg.starts_with("<svg "), "{}", &svg[..svg.len().min(80)]);
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "numbers must be numbers");
    elements(svg, &[])
}

#[test]
fn the_checker_refuses_what_is_not_well_formed() {
    for bad in ["<a><b></a></b>", "<a>", "<a x=\"1></a>", "</a>", "<a> > </a>", "<a <b></b>"] {
        assert!(std::panic::catch_unwind(|| elements(bad, &[])).is_err(), "{bad}");
    }
    assert_eq!(elements("<a><b/><c x=\"1\">t</c></a>", &[]), ["a", "b", "c"]);
}

#[test]
fn metrics_come_back_as_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let mut log = MetricsLog::create(&path).unwrap();
    for (index, m) in epochs(3).iter().enumerate() {
        log.append(m).unwrap();
        assert_eq!(metrics::read(&path).unwrap().len(), index + 1, "each line is on disk at once");
    }
    log.append(&without_validation(epoch(4))).unwrap();
    let read = metrics::read(&path).unwrap();
    same(&read[..3], &epochs(3));
    same(&read[3..], &[without_validation(epoch(4))]);
    let text = fs::read_to_string(&path).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    let keys: std::collections::BTreeSet<&str> =
        line.as_object().unwrap().keys().map(String::as_str).collect();
    let contract = "epoch step lr train_loss train_accuracy val_loss val_accuracy seconds images_per_second";
    assert_eq!(keys, contract.split(' ').collect());
}

#[test]
fn a_loss_that_is_not_a_number_survives_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let mut bad = epoch(1);
    bad.train_loss = f64::NAN;
    MetricsLog::create(&path).unwrap().append(&bad).unwrap();
    let read = metrics::read(&path).unwrap();
    assert!(read[0].train_loss.is_nan());
    assert_eq!(read[0].train_accuracy, bad.train_accuracy);
}

#[test]
fn resuming_cuts_the_log_at_the_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let mut log = MetricsLog::create(&path).unwrap();
    epochs(5).iter().for_each(|m| log.append(m).unwrap());
    let whole = fs::read_to_string(&path).unwrap();
    let three: String = whole.split_inclusive('\n').take(3).collect();
    // A crash in the middle of a line, here within a character of two bytes.
    fs::write(&path, [whole.as_bytes(), b"{\"epoch\": 6, \"st\xc3"].concat()).unwrap();
    same(&metrics::read(&path).unwrap(), &epochs(5));
    let mut log = MetricsLog::resume(&path, 3).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), three, "the lines that stay keep their bytes");
    log.append(&epoch(4)).unwrap();
    same(&metrics::read(&path).unwrap(), &epochs(4));
    drop(MetricsLog::resume(&path, 9).unwrap());
    same(&metrics::read(&path).unwrap(), &epochs(4));
    drop(MetricsLog::resume(&path, 0).unwrap());
    assert_eq!(fs::read(&path).unwrap(), b"");
    let fresh = folder.path().join("new.jsonl");
    MetricsLog::resume(&fresh, 3).unwrap().append(&epoch(1)).unwrap();
    same(&metrics::read(&fresh).unwrap(), &epochs(1));
}

#[test]
fn a_damaged_log_names_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.jsonl");
    let mut log = MetricsLog::create(&path).unwrap();
    log.append(&epoch(1)).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{good}nonsense\n{good}")).unwrap();
    for error in [metrics::read(&path).unwrap_err(), MetricsLog::resume(&path, 1).unwrap_err()] {
        let text = error.to_string();
        assert!(text.contains("metrics.jsonl") && text.contains("line 2"), "{text}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{good}nonsense\n{good}"), "nothing is cut");
    let error = MetricsLog::create(Path::new("/no/such/folder/metrics.jsonl")).unwrap_err();
    assert!(error.to_string().contains("cannot create"), "{error}");
}

#[test]
fn a_summary_comes_back_and_has_the_contract_s_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("summary.json");
    summary().write(&path).unwrap();
    assert_eq!(Summary::read(&path).unwrap(), summary());
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let keys: std::collections::BTreeSet<&str> =
        json.as_object().unwrap().keys().map(String::as_str).collect();
    let contract = "model activation parameters epochs best_epoch best_val_accuracy test_accuracy test_loss seconds \
                    device seed last_val_accuracy last_test_accuracy";
    assert_eq!(keys, contract.split(' ').collect());
    fs::write(&path, "{}").unwrap();
    assert!(Summary::read(&path).unwrap_err().to_string().contains("summary.json"));
}

#[test]
fn curves_are_well_formed_for_any_run() {
    let nan = |mut m: EpochMetrics| {
        (m.train_loss, m.val_loss) = (f64::NAN, Some(f64::INFINITY));
        m
    };
    let mut broken = epochs(6);
    broken[2] = nan(broken[2].clone());
    let mut exploding = epochs(3);
    exploding[1].train_loss = 3e25;
    exploding[2].train_loss = 1e300;
    let mut flat = epochs(2);
    flat.iter_mut().for_each(|m| (m.train_accuracy, m.train_loss, m.val_loss) = (1.0, 0.0, Some(0.0)));
    let runs = [
        ("none", vec![]),
        ("one", epochs(1)),
        ("two", epochs(2)),
        ("many", epochs(200)),
        ("no validation", epochs(5).into_iter().map(without_validation).collect()),
        ("one without validation", vec![without_validation(epoch(1))]),
        ("a gap", broken),
        ("only NaN", vec![nan(epoch(1)), nan(epoch(2))]),
        ("exploding", exploding),
        ("flat", flat),
    ];
    for (name, run) in runs {
        let svg = report::curves_svg(&run);
        let seen = check_svg(&svg);
        let of = |tag: &str| seen.iter().filter(|name| *name == tag).count();
        assert!(of("text") >= 8, "{name}: captions and labels");
        for measure in [Measure::Loss, Measure::Accuracy] {
            let panel = report::panel_svg(&run, measure);
            check_svg(&panel);
            let validated = run.iter().any(|m| m.val_accuracy.is_some());
            if measure == Measure::Accuracy {
                assert_eq!(panel.contains("validation"), validated, "{name}: legend");
                assert_eq!(panel.contains("training"), !run.is_empty(), "{name}: legend");
            }
        }
    }
    assert!(report::curves_svg(&epochs(1)).contains("<circle"), "one epoch is a point that can be seen");
}

#[test]
fn a_curve_is_drawn_where_its_values_are() {
    let svg = report::panel_svg(&epochs(3), Measure::Loss);
    let heights: Vec<f64> = svg
        .split("<circle ")
        .skip(1)
        .filter(|circle| circle.split("/>").next().unwrap().contains("#0072B2"))
        .map(|circle| circle.split("cy=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(heights.len(), 3);
    // Losses 2.3, 1.15, 0.7667: the page's y grows downwards, in proportion, to a pixel at each end.
    let share = (heights[1] - heights[0]) / (heights[2] - heights[0]);
    let length = heights[2] - heights[0];
    assert!(length > 100.0 && (share - 0.75).abs() <= 2.0 / length, "{heights:?}");
}

#[test]
fn the_report_is_one_safe_page() {
    let folder = tempfile::tempdir().unwrap();
    let mut hostile = summary();
    hostile.device = "<script>alert('1')</script> & \"co\"\u{1b}".into();
    hostile.model = "<b>".into();
    report::write(folder.path(), &epochs(4), &hostile, "model = \"</pre><i>\"\n").unwrap();
    let html = fs::read_to_string(folder.path().join("report.html")).unwrap();
    let seen = elements(&html, &["meta"]);
    assert!(html.starts_with("<!DOCTYPE html>"));
    assert!(!seen.iter().any(|name| ["script", "link", "img", "i", "iframe"].contains(&name.as_str())));
    // The name of SVG's namespace is no address that is fetched.
    let bare = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    assert!(!bare.contains("http") && !bare.contains("@import") && !bare.contains("url("), "no network");
    assert!(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;co&quot;\u{FFFD}"));
    assert!(html.contains("&lt;/pre&gt;&lt;i&gt;"));
    assert_eq!(seen.iter().filter(|name| *name == "svg").count(), 4, "loss, accuracy, rate, throughput");
    for text in ["30.00 %", "31.25 %", "853018", "1:02:03 h", "All 4 epochs", "prefers-color-scheme: dark"] {
        assert!(html.contains(text), "{text}");
    }
    let svg = fs::read_to_string(folder.path().join("curves.svg")).unwrap();
    assert_eq!(svg, report::curves_svg(&epochs(4)));
    // The page recolours the drawing by these very attributes.
    for colour in ["fill=\"#FFFFFF\"", "stroke=\"#0072B2\"", "stroke=\"#D55E00\"", "stroke=\"#222222\""] {
        assert!(svg.contains(colour), "{colour}");
    }
}

#[test]
fn a_report_without_epochs_or_validation_is_written_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut bare = summary();
    bare.best_val_accuracy = None;
    bare.test_loss = f64::NAN;
    for run in [vec![], vec![without_validation(epoch(1))]] {
        report::write(folder.path(), &run, &bare, "").unwrap();
        elements(&fs::read_to_string(folder.path().join("report.html")).unwrap(), &["meta"]);
    }
    let error = report::write(&folder.path().join("gone"), &[], &bare, "").unwrap_err();
    assert!(error.to_string().contains("cannot write"), "{error}");
}

#[test]
fn a_contact_sheet_holds_images_and_answers() {
    use wgrad::report::{Contact, contact_sheet};
    let contact = |i: usize| Contact {
        title: format!("a/rather/long/folder/<{i}>.png"),
        png: vec![i as u8; 6],
        answers: vec![
            ("cat & dog".into(), 0.75),
            ("ship".into(), 0.2),
            ("frog".into(), 0.04),
            ("deer".into(), 0.01),
        ],
    };
    let sheet = contact_sheet(&(0..7).map(contact).collect::<Vec<_>>());
    assert!(sheet.contains("width=\"1020\" height=\"480\""), "six in a row, two rows: {sheet}");
    assert_eq!(sheet.matches("<image ").count(), 7);
    // 6 zeros and 6 ones in base64.
    assert!(sheet.contains("base64,AAAAAAAA\"") && sheet.contains("base64,AQEBAQEB\""));
    assert!(
        sheet.contains("cat &amp; dog 75.0 %") && sheet.contains("&lt;6&gt;.png") && !sheet.contains("deer")
    );
}
