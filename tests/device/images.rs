//! A folder of images of another size, with classes of its own: trained on, evaluated and predicted.

use std::path::Path;

use assert_cmd::Command;
use image::{Rgb, RgbImage};
use serde_json::Value;

fn wgrad(args: &[&str]) -> Vec<Value> {
    let output =
        Command::cargo_bin("wgrad").expect("the program is built").args(args).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

const CLASSES: [&str; 3] = ["blue", "green", "red"];

/// An image of a class: its colour falls from left to right, number `i` a little differently.
fn image(class: usize, i: u32) -> RgbImage {
    RgbImage::from_fn(20 + i, 24, |x, y| {
        let mut pixel = [(y * 3) as u8, (i * 5) as u8, (x + y) as u8];
        pixel[2 - class] = 220 - (x * 4) as u8;
        Rgb(pixel)
    })
}

fn write(root: &Path) {
    for (class, name) in CLASSES.iter().enumerate() {
        for (split, count) in [("train", 12), ("test", 4)] {
            let folder = root.join(split).join(name);
            std::fs::create_dir_all(&folder).expect("a folder");
            for i in 0..count {
                image(class, i).save(folder.join(format!("{i}.png"))).expect("an image");
            }
        }
    }
}

#[test]
fn a_folder_of_images_is_a_data_set() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("colours");
    write(&data);
    let (run, image) = (folder.path().join("run"), data.join("test/green/3.png"));
    let [data, run, image] = [&data, &run, &image].map(|path| path.to_str().expect("UTF-8"));
    let settings =
        ["--set", "data.size=16", "--set", "augment.normalization=per_channel", "--set", "optimizer.lr=0.05"];
    // Dense layers: a driver that runs on the CPU would take half a minute to compile convolutions of a size of their own.
    let base = [
        "train",
        "--json",
        "--model",
        "mlp_bn_2x32",
        "--data",
        data,
        "--out",
        run,
        "--batch",
        "9",
        "--tune",
        "off",
    ];
    let lines = wgrad(&[&base[..], &settings, &["--epochs", "12"]].concat());
    let summary = lines.last().expect("a summary");
    assert!(summary["test_accuracy"].as_f64().expect("a number") > 0.9, "colours are easy: {summary}");
    let evaluation = &wgrad(&["eval", run, "--json"])[0];
    assert_eq!(evaluation["confusion"].as_array().expect("rows").len(), 3);
    assert_eq!(evaluation["accuracy"], summary["test_accuracy"]);
    let sheet = folder.path().join("sheet.svg");
    let drawn = ["--sheet", sheet.to_str().expect("UTF-8")];
    let answer = &wgrad(&[&["predict", run, image, "--json"], &drawn[..]].concat())[0][0]["top"][0];
    let svg = std::fs::read_to_string(&sheet).expect("a sheet");
    assert!(svg.contains("data:image/png;base64,iVBORw0KGgo") && svg.contains(">green "), "{svg}");
    assert_eq!(answer["class"], "green", "{answer}");
}
