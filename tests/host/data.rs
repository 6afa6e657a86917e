//! Data: the CIFAR-10 format, the bundled sample, splits and the order of an epoch.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;
use wgrad::Error;
use wgrad::data::cifar10::{self, ARCHIVE_FOLDER, CLASS_NAMES, RECORD, TEST_FILE, TRAIN_FILES};
use wgrad::data::order::epoch_order;
use wgrad::data::split::{Split, SplitKind, head, none, stratified};
use wgrad::data::{Images, Source, load, sample};

/// The byte of channel `c` at pixel `p` (row by row) of a made-up record. Red tells the column and the record, green the
/// row, blue is above 200: no two channels and no two pixels of a record can be exchanged unseen.
fn byte(record: usize, c: usize, p: usize) -> u8 {
    match c {
        0 => ((p % 32) + 32 * (record % 3)) as u8,
        1 => (100 + p / 32) as u8,
        _ => (200 + (p + record) % 56) as u8,
    }
}

fn label(record: usize) -> u8 {
    (record * 3 % 10) as u8
}

/// A planar file of records numbered from `first`.
fn file(first: usize, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in first..first + count {
        bytes.push(label(record));
        for c in 0..3 {
            bytes.extend((0..1024).map(|p| byte(record, c, p)));
        }
    }
    bytes
}

/// Files of 1, 2, 3, 4, 5 training records and 6 test records.
fn write_set(folder: &Path) {
    let mut first = 0;
    for (i, name) in TRAIN_FILES.into_iter().chain([TEST_FILE]).enumerate() {
        fs::write(folder.join(name), file(first, i + 1)).unwrap();
        first += i + 1;
    }
}

fn small_set() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_set(folder.path());
    folder
}

fn check_images(images: &Images, first: usize, count: usize) {
    assert_eq!((images.height, images.width, images.channels, images.len()), (32, 32, 3, count));
    assert_eq!(images.pixels.len(), count * 3072);
    for i in 0..count {
        assert_eq!(images.labels[i], label(first + i));
        for (k, &got) in images.image(i).iter().enumerate() {
            assert_eq!(got, byte(first + i, k % 3, k / 3), "image {i}, pixel {}, channel {}", k / 3, k % 3);
        }
    }
}

/// Reads the folder, which must fail with `Error::Data`; gives the path and the sentence.
fn data_error(folder: &Path) -> (PathBuf, String) {
    match cifar10::read(folder).unwrap_err() {
        Error::Data { path, reason } => (path, reason),
        other => panic!("expected a data error, got {other:?}"),
    }
}

#[test]
fn cifar_files_become_interleaved_images_in_file_order() {
    let folder = small_set();
    let set = load(&Source::Folder(folder.path().into())).unwrap();
    assert_eq!(set.name, "cifar10");
    assert_eq!(set.classes, CLASS_NAMES);
    check_images(&set.train, 0, 15);
    check_images(&set.test, 15, 6);
}

#[test]
fn cifar_folder_may_be_the_parent_of_the_archive_folder() {
    let parent = tempfile::tempdir().unwrap();
    let inner = parent.path().join(ARCHIVE_FOLDER);
    fs::create_dir(&inner).unwrap();
    write_set(&inner);
    check_images(&cifar10::read(parent.path()).unwrap().test, 15, 6);
}

#[test]
fn cifar_class_names_come_from_the_folder() {
    let folder = small_set();
    let names = folder.path().join("batches.meta.txt");
    fs::write(&names, "a\nb\nc\r\nd\ne\nf\ng\nh\ni\nj\n\n").unwrap();
    assert_eq!(cifar10::read(folder.path()).unwrap().classes.concat(), "abcdefghij");
    fs::write(&names, "a\nb\n").unwrap();
    let (path, reason) = data_error(folder.path());
    assert_eq!(path, names);
    assert!(reason.starts_with("lists 2 class names, expected 10, one a line"), "{reason}");
}

#[test]
fn cifar_missing_folder_or_file_is_named_with_what_belongs_there() {
    let contents = "expected a folder with data_batch_1.bin to data_batch_5.bin and test_batch.bin (get them \
                    with `wgrad data fetch cifar10`), or `sample` for the bundled images";
    let folder = small_set();
    let absent = folder.path().join("absent");
    assert_eq!(data_error(&absent), (absent.clone(), format!("there is no such folder; {contents}")));
    let message = cifar10::read(&absent).unwrap_err().to_string();
    assert_eq!(message, format!("data {}: there is no such folder; {contents}", absent.display()));

    let one = folder.path().join("data_batch_4.bin");
    assert_eq!(data_error(&one), (one.clone(), format!("this is a file; {contents}")));
    fs::remove_file(&one).unwrap();
    let expected = format!("data_batch_4.bin is missing; {contents}");
    assert_eq!(data_error(folder.path()), (folder.path().into(), expected));
    fs::write(folder.path().join("data_batch_4"), "").unwrap();
    let (_, reason) = data_error(folder.path());
    let start = "data_batch_4.bin is missing (these are the files of the Python version);";
    assert!(reason.starts_with(start), "{reason}");

    fs::create_dir(&one).unwrap();
    let (path, reason) = data_error(folder.path());
    assert_eq!(path, one);
    assert!(reason.starts_with("this is not a plain file"), "{reason}");
}

#[test]
fn cifar_damaged_files_are_refused_with_counts() {
    let folder = small_set();
    let path = folder.path().join("data_batch_2.bin");
    let mut bytes = file(0, 2);
    bytes.truncate(2 * RECORD - 1);
    fs::write(&path, &bytes).unwrap();
    let expected = "the file has 6145 bytes (1 x 3073 + 3072): expected a whole number of 3073-byte records (30730000 \
                    bytes in the standard files); it is cut off or of another format, get it again";
    assert_eq!(data_error(folder.path()), (path.clone(), expected.into()));

    fs::write(&path, []).unwrap();
    let expected = "the file is empty: expected at least one record of 3073 bytes; get it again";
    assert_eq!(data_error(folder.path()), (path.clone(), expected.into()));

    let mut bytes = file(0, 3);
    bytes[2 * RECORD] = 10;
    fs::write(&path, &bytes).unwrap();
    let expected = "record 2 (from 0) has label 10, expected 0 to 9; the file is damaged, get it again";
    assert_eq!(data_error(folder.path()), (path.clone(), expected.into()));

    fs::File::create(&path).unwrap().set_len(10_001 * RECORD as u64).unwrap();
    let expected =
        "the file has 10001 records, expected at most 10000; it is no CIFAR-10 batch, get it again";
    assert_eq!(data_error(folder.path()), (path, expected.into()));
}

proptest! {
    #[test]
    fn cifar_parser_accepts_exactly_whole_records_with_good_labels(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..4 * RECORD),
        whole in any::<bool>(),
        small_labels in any::<bool>(),
    ) {
        if whole {
            bytes.truncate(bytes.len() / RECORD * RECORD);
        }
        if small_labels {
            bytes.iter_mut().step_by(RECORD).for_each(|label| *label %= 10);
        }
        let good = !bytes.is_empty()
            && bytes.len() % RECORD == 0
            && bytes.iter().step_by(RECORD).all(|&label| label < 10);
        let mut images = Images::empty(32, 32);
        match cifar10::parse(Path::new("x.bin"), &bytes, &mut images) {
            Ok(()) => {
                prop_assert!(good);
                prop_assert_eq!(images.len(), bytes.len() / RECORD);
                for i in 0..images.len() {
                    let record = &bytes[i * RECORD..][..RECORD];
                    prop_assert_eq!(images.labels[i], record[0]);
                    for (k, &got) in images.image(i).iter().enumerate() {
                        prop_assert_eq!(got, record[1 + 1024 * (k % 3) + k / 3]);
                    }
                }
            }
            Err(error) => {
                prop_assert!(!good, "{}", error);
                let named = matches!(&error, Error::Data { path, .. } if path == Path::new("x.bin"));
                prop_assert!(named, "{:?}", error);
                prop_assert!(images.is_empty() && images.pixels.is_empty());
            }
        }
    }
}

#[test]
fn sha256_is_over_pixels_then_labels() {
    let images = Images { height: 1, width: 1, channels: 3, pixels: b"abc".to_vec(), labels: vec![] };
    // FIPS 180-2, appendix B.1
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(images.sha256(), abc);
    let images = Images { pixels: b"ab".to_vec(), labels: b"c".to_vec(), ..images };
    assert_eq!(images.sha256(), abc);
}

#[test]
fn sample_is_the_first_images_of_each_class() {
    let set = load(&Source::Sample).unwrap();
    assert_eq!((set.name.as_str(), set.train.len(), set.test.len()), ("sample", 2000, 1000));
    assert_eq!(set.classes, CLASS_NAMES);
    for images in [&set.train, &set.test] {
        assert_eq!((images.height, images.width, images.channels), (32, 32, 3));
        assert_eq!(images.pixels.len(), images.len() * 3072);
        assert!(images.labels.iter().enumerate().all(|(i, &label)| label as usize == i % 10));
    }
    // Printed by examples/make_sample.rs, which reads the published files without this library's reader.
    let train = "d8fc1fbb85589952c8371d38a3e4b6a7eaffbd7265329feb096f9f562a91c2ce";
    let test = "60653e0922321b3563ce503224fb9716d7a7b0f58eaa770b0f44d37a434f32d2";
    assert_eq!((set.train.sha256().as_str(), set.test.sha256().as_str()), (train, test));
    // The published set starts with a frog whose first pixel is (59, 62, 63), its test set with a cat and (158, 112, 49).
    assert_eq!((set.train.labels[6], &set.train.image(6)[..3]), (6, &[59, 62, 63][..]));
    assert_eq!((set.test.labels[3], &set.test.image(3)[..3]), (3, &[158, 112, 49][..]));

    let text = include_str!("../../assets/sample/provenance.json");
    let provenance: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        (&provenance["train"]["sha256"], &provenance["test"]["sha256"]),
        (&train.into(), &test.into())
    );
}

#[test]
fn sample_sheet_of_the_wrong_size_is_refused() {
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(64, 32).write_to(&mut png, image::ImageFormat::Png).unwrap();
    let sheet = png.into_inner();
    assert_eq!(sample::cut("s.png", &sheet, vec![1, 2], 2).unwrap().labels, [1, 2]);
    for (bytes, labels, columns, part) in [
        (&sheet[..], vec![0; 3], 2, "s.png: the sheet has 64 x 32 pixels, expected 64 x 64"),
        (&sheet[..], vec![0; 2], 0, "s.png: the sheet has 64 x 32 pixels, expected 0 x 64"),
        (&sheet[..], vec![0, 11], 2, "s.png: label 11, expected 0 to 9"),
        (&sheet[..sheet.len() / 2], vec![0; 2], 2, "s.png: "),
    ] {
        let error = sample::cut("s.png", bytes, labels, columns).unwrap_err();
        assert!(matches!(error, Error::Data { .. }), "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn sources_are_written_as_text() {
    assert_eq!("sample".parse::<Source>().unwrap(), Source::Sample);
    assert_eq!("./sample".parse::<Source>().unwrap(), Source::Folder("./sample".into()));
    assert!(matches!("".parse::<Source>(), Err(Error::Usage(_))));
    for text in ["sample", "some/folder"] {
        let source: Source = serde_json::from_value(text.into()).unwrap();
        assert_eq!((source.to_string(), serde_json::to_value(&source).unwrap()), (text.into(), text.into()));
    }
}

/// Every image on exactly one side.
fn check_complete(split: &Split, count: usize) {
    let mut all: Vec<u32> = split.train.iter().chain(&split.val).copied().collect();
    all.sort_unstable();
    assert_eq!(all, (0..count as u32).collect::<Vec<_>>());
}

#[test]
fn stratified_split_has_an_equal_share_of_each_class() {
    let labels: Vec<u8> = (0..5000u32).map(|i| ((i % 71) * (i % 71) / 7 % 10) as u8).collect();
    let total = |class| labels.iter().filter(|&&label| label == class).count();
    let splits: Vec<Split> =
        (0..4).map(|seed| SplitKind::default().split(&labels, 10, seed).unwrap()).collect();
    for split in &splits {
        check_complete(split, labels.len());
        for class in 0..10 {
            let val = split.val.iter().filter(|&&i| labels[i as usize] == class).count();
            assert_eq!(val, (0.2 * total(class) as f64).round() as usize, "class {class}");
        }
        assert!(!split.train.is_sorted() && !split.val.is_sorted());
    }
    assert_eq!(splits[0], stratified(&labels, 10, 0.2, 0).unwrap());
    for (i, a) in splits.iter().enumerate() {
        assert!(splits[..i].iter().all(|b| a.val != b.val), "seed {i} repeats a split");
    }
    let balanced: Vec<u8> = (0..50_000u32).map(|i| (i % 10) as u8).collect();
    let split = stratified(&balanced, 10, 0.2, 1).unwrap();
    assert_eq!((split.train.len(), split.val.len()), (40_000, 10_000));
}

#[test]
fn splits_that_leave_nothing_are_refused() {
    let labels = [0, 0, 0, 0, 1, 1, 1, 1];
    let says = |result: wgrad::Result<Split>, part: &str| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Usage(_)), "{error:?}");
        assert!(error.to_string().contains(part), "{error}");
    };
    for fraction in [0.0, 1.0, -0.5, f64::NAN, f64::INFINITY] {
        says(stratified(&labels, 2, fraction, 0), "expected a number above 0 and below 1");
    }
    says(stratified(&labels, 2, 0.1, 0), "class 0 has 4 images and none would be left for validation");
    says(stratified(&labels, 2, 0.9, 0), "class 0 has 4 images and none would be left for training");
    says(stratified(&labels, 3, 0.5, 0), "class 2 has 0 images");
    says(stratified(&labels, 1, 0.5, 0), "image 4 has label 1, expected below 1");
    says(head(10, 10), "split of the first 10 images: expected at least 1 and fewer than the 10 there are");
    says(head(10, 0), "split of the first 0 images");
}

#[test]
fn head_and_none_keep_the_file_order() {
    let split = SplitKind::Head { train: 45 }.split(&[0; 50], 1, 9).unwrap();
    assert_eq!(split, Split { train: (0..45).collect(), val: (45..50).collect() });
    assert_eq!(SplitKind::None.split(&[0; 50], 1, 9).unwrap(), none(50));
    assert_eq!(none(50), Split { train: (0..50).collect(), val: vec![] });
    let kind: SplitKind = toml::from_str("kind = \"head\"\ntrain = 45000").unwrap();
    assert_eq!(kind, SplitKind::Head { train: 45_000 });
    assert!(toml::from_str::<SplitKind>("kind = \"stratified\"\nfraction = 0.2\nfold = 1").is_err());
}

#[test]
fn orders_and_splits_follow_the_documented_random_numbers() {
    // From an independent Philox4x32-10 and Fisher-Yates in Python.
    let train: Vec<u32> = (100..110).collect();
    assert_eq!(epoch_order(&train, 7, 3), [108, 101, 109, 100, 102, 104, 103, 106, 107, 105]);
    let split = stratified(&[0, 1, 0, 1, 0, 1, 0, 1, 0, 1], 2, 0.4, 7).unwrap();
    assert_eq!((split.val, split.train), (vec![0, 6, 7, 1], vec![8, 4, 2, 3, 5, 9]));
}

#[test]
fn epoch_order_is_a_new_permutation_each_epoch_and_seed() {
    let train: Vec<u32> = (0..1000).map(|i| 3 * i).collect();
    let mut orders: Vec<Vec<u32>> = Vec::new();
    for (seed, epoch) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0), (u32::MAX, u32::MAX)] {
        let order = epoch_order(&train, seed, epoch);
        assert_eq!(order, epoch_order(&train, seed, epoch));
        assert!(!orders.contains(&order), "seed {seed}, epoch {epoch} repeats an order");
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, train, "seed {seed}, epoch {epoch}");
        orders.push(order);
    }
    assert!(epoch_order(&[], 1, 1).is_empty());
}

#[test]
fn a_random_split_rounds_as_scikit_learn_does() {
    let labels: Vec<u8> = (0..50_000u32).map(|i| (i % 10) as u8).collect();
    let split = SplitKind::RandomShare { fraction: 0.33 }.split(&labels, 10, 5).unwrap();
    assert_eq!((split.train.len(), split.val.len()), (33_500, 16_500));
    let mut all: Vec<u32> = split.train.iter().chain(&split.val).copied().collect();
    all.sort_unstable();
    assert!(all.iter().enumerate().all(|(i, &image)| i == image as usize), "every image once");
    // Not stratified: some class is off its share by more than rounding.
    let in_val = |class: u8| split.val.iter().filter(|&&i| labels[i as usize] == class).count();
    assert!((0..10).any(|class| in_val(class).abs_diff(1650) > 5));
    assert_ne!(split, SplitKind::RandomShare { fraction: 0.33 }.split(&labels, 10, 6).unwrap());
    let counted = SplitKind::Random { train: 33_500 }.split(&labels, 10, 5).unwrap();
    assert_eq!(counted, split);
}

#[test]
fn a_random_split_refuses_what_leaves_nothing() {
    let labels = [0, 1, 2, 0, 1, 2, 0, 1];
    for (kind, words) in [
        (SplitKind::Random { train: 0 }, ["0 random images", "none"]),
        (SplitKind::Random { train: 8 }, ["8 random images", "fewer than the 8"]),
        (SplitKind::RandomShare { fraction: 0.999 }, ["0 random images", "at least 1"]),
        (SplitKind::Random { train: 2 }, ["of class", "stratified"]),
    ] {
        let text = kind.split(&labels, 3, 1).unwrap_err().to_string();
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
}
