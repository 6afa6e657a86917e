//! The other data sets: CIFAR-100, CIFAR's python version, folders of images, and which of them a folder is.

use std::fs;
use std::path::Path;

use image::{Rgb, RgbImage};
use tempfile::TempDir;
use wgrad::data::{Dataset, Images, cifar100, data_folder, image_folder, load_folder, python, verify};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

#[track_caller]
fn assert_refused<T: std::fmt::Debug>(result: wgrad::Result<T>, words: &[&str]) {
    let text = result.expect_err("it must be refused").to_string();
    for word in words {
        assert!(text.contains(word), "expected {word:?} in {text:?}");
    }
}

/// Planes of image `i`: red tells the column, green the row, blue the image.
fn planes(i: usize) -> Vec<u8> {
    let plane = |of: &dyn Fn(usize) -> usize| (0..1024).map(|p| of(p) as u8).collect::<Vec<_>>();
    [plane(&|p| p % 32), plane(&|p| 100 + p / 32), plane(&|p| (200 + p + i) % 256)].concat()
}

/// Asserts that these images are those of [`planes`] from number `first` on.
#[track_caller]
fn assert_images(images: &Images, first: usize, labels: &[u8]) {
    assert_eq!(images.labels, labels);
    for i in 0..labels.len() {
        let planes = planes(first + i);
        for (k, &got) in images.image(i).iter().enumerate() {
            assert_eq!(got, planes[k % 3 * 1024 + k / 3], "image {i}, byte {k}");
        }
    }
}

fn cifar100_file(first: usize, labels: &[u8]) -> Vec<u8> {
    let record = |(i, label): (usize, &u8)| [vec![label / 5, *label], planes(first + i)].concat();
    labels.iter().enumerate().flat_map(record).collect()
}

#[test]
fn cifar100_has_fine_classes() {
    let at = folder();
    fs::write(at.path().join("train.bin"), cifar100_file(0, &[99, 0, 7])).unwrap();
    fs::write(at.path().join("test.bin"), cifar100_file(3, &[42])).unwrap();
    let dataset = load_folder(at.path(), 32).expect("a data set");
    assert_eq!((dataset.name.as_str(), dataset.classes.len()), ("cifar100", 100));
    assert_images(&dataset.train, 0, &[99, 0, 7]);
    assert_images(&dataset.test, 3, &[42]);
    let outer = folder();
    fs::rename(at.path(), outer.path().join(cifar100::ARCHIVE_FOLDER)).unwrap();
    assert_eq!(load_folder(outer.path(), 32).expect("the archive's folder inside"), dataset);
}

#[test]
fn damaged_cifar100() {
    let mut images = Images::empty(32, 32);
    let bytes = cifar100_file(0, &[1, 100]);
    let path = Path::new("train.bin");
    assert_refused(cifar100::parse(path, &bytes, &mut images), &["train.bin", "record 1", "100", "0 to 99"]);
    let cut = &bytes[..bytes.len() - 1];
    assert_refused(cifar100::parse(path, cut, &mut images), &["train.bin", "6147 bytes", "3074"]);
    assert_refused(cifar100::parse(path, &[], &mut images), &["empty"]);
    assert!(images.is_empty() && images.pixels.is_empty());
    let at = folder();
    fs::write(at.path().join("train.bin"), cifar100_file(0, &[1])).unwrap();
    assert_refused(load_folder(at.path(), 32), &["test.bin", "missing", "wgrad data fetch cifar100"]);
}

fn text(bytes: &[u8]) -> Vec<u8> {
    if bytes.len() < 256 {
        [b"U", &[bytes.len() as u8][..], bytes].concat()
    } else {
        [b"T", &(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
    }
}

/// A batch as Python 2 pickled CIFAR's own files: protocol 2, byte strings, numpy's array by `_reconstruct`.
fn pickled(first: usize, labels: &[i64], rows: usize) -> Vec<u8> {
    let number = |n: usize| [&b"M"[..], &(n as u16).to_le_bytes()].concat();
    let label = |label: &i64| [&b"J"[..], &(*label as i32).to_le_bytes()].concat();
    let data: Vec<u8> = (0..rows).flat_map(|i| planes(first + i)).collect();
    [
        b"\x80\x02}q\x01(".to_vec(),
        text(b"batch_label"),
        b"q\x02".to_vec(),
        text(b"training batch 1 of 5"),
        text(b"labels"),
        b"q\x04]q\x05(".to_vec(),
        labels.iter().flat_map(label).collect(),
        b"e".to_vec(),
        text(b"data"),
        b"q\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85".to_vec(),
        text(b"b"),
        b"\x87Rq\x09(K\x01".to_vec(),
        number(rows),
        number(3072),
        b"\x86cnumpy\ndtype\nq\x0a".to_vec(),
        text(b"u1"),
        b"K\x00K\x01\x87Rq\x0b(K\x03".to_vec(),
        text(b"|"),
        b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89".to_vec(),
        text(&data),
        b"tbU\x09filenames]q\x0c".to_vec(),
        text(b"a.png"),
        b"au.".to_vec(),
    ]
    .concat()
}

fn names_pickled(key: &[u8], names: usize) -> Vec<u8> {
    let name = |i: usize| text(format!("class {i}").as_bytes());
    [&b"\x80\x02}("[..], &text(key), b"](", &(0..names).flat_map(name).collect::<Vec<_>>(), b"eu."].concat()
}

#[test]
fn cifar10_of_python() {
    let at = folder();
    for i in 1..=5 {
        fs::write(at.path().join(format!("data_batch_{i}")), pickled(2 * i, &[i as i64, 9], 2)).unwrap();
    }
    fs::write(at.path().join("test_batch"), pickled(20, &[4], 1)).unwrap();
    fs::write(at.path().join("batches.meta"), names_pickled(b"label_names", 10)).unwrap();
    let dataset = load_folder(at.path(), 32).expect("a data set");
    assert_eq!((dataset.name.as_str(), dataset.classes[9].as_str()), ("cifar10", "class 9"));
    assert_images(&dataset.train, 2, &[1, 9, 2, 9, 3, 9, 4, 9, 5, 9]);
    assert_images(&dataset.test, 20, &[4]);
    fs::write(at.path().join("batches.meta"), names_pickled(b"label_names", 9)).unwrap();
    assert_refused(load_folder(at.path(), 32), &["batches.meta", "9 class names", "10"]);
}

/// A batch of two images that CPython 3.11 pickled with protocol 4 (labels 3 and 8; all bytes of image i are 10 i + 1).
#[test]
fn a_batch_pickled_by_python_3() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/batch_protocol_4.pickle");
    let mut images = Images::empty(32, 32);
    python::parse_batch(&path, &fs::read(&path).expect("a file"), &mut images).expect("a batch");
    assert_eq!(images.labels, [3, 8]);
    assert!(images.image(0).iter().all(|byte| *byte == 1) && images.image(1).iter().all(|byte| *byte == 11));
}

#[test]
fn pickles_run_nothing_and_hold_what_they_should() {
    let refused = |bytes: &[u8], words: &[&str]| {
        let mut images = Images::empty(32, 32);
        let parsed = python::parse_batch(Path::new("data_batch_1"), bytes, &mut images);
        assert_refused(parsed, &[&["data_batch_1"], words].concat());
        assert!(images.is_empty() && images.pixels.is_empty());
    };
    refused(b"\x80\x02cos\nsystem\nU\x06rm -rf\x85R.", &["os.system", "not done"]);
    refused(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", &["builtins.eval", "not done"]);
    refused(&pickled(0, &[10, 1], 2), &["image 0", "10", "0 to 9"]);
    refused(&pickled(0, &[-1, 1], 2), &["label -1"]);
    refused(&pickled(0, &[1], 2), &["2 images and 1 labels"]);
    refused(&pickled(0, &[], 0), &["no images"]);
    let whole = pickled(0, &[1, 2], 2);
    for end in (0..whole.len()).step_by(97) {
        refused(&whole[..end], &["pickle"]);
    }
    refused(b"\x80\x02}.", &["no entry"]);
    refused(b"\x80\x02].", &["no dictionary"]);
    refused(b"\x80\x02h\x07.", &["not stored"]);
    // A text that says it is larger than the file is not allocated.
    refused(b"\x80\x02X\xff\xff\xff\xff.", &["cut off"]);
    refused(b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", &["cut off"]);
    let other = |from: &[u8], to: &[u8]| {
        let mut bytes = pickled(0, &[1, 2], 2);
        let at = bytes.windows(from.len()).position(|window| window == from).expect("it is there");
        bytes.splice(at..at + from.len(), to.iter().copied());
        bytes
    };
    refused(&other(b"U\x02u1", b"U\x02f4"), &["unsigned bytes"]);
    refused(&other(b"K\x00tb\x89", b"K\x00tb\x88"), &["order"]);
    refused(&other(b"M\x00\x0c", b"M\x00\x0b"), &["N x 3072"]);
}

/// Makes ROOT/SPLIT/CLASS/FILE, an image of one colour.
fn image(root: &Path, path: &str, side: u32, colour: [u8; 3]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    RgbImage::from_pixel(side, side + 5, Rgb(colour)).save(path).expect("an image");
}

fn image_set() -> TempDir {
    let at = folder();
    image(at.path(), "train/cat/2.png", 40, [10, 20, 30]);
    image(at.path(), "train/cat/1.bmp", 8, [1, 2, 3]);
    image(at.path(), "train/ant/z.png", 100, [200, 0, 7]);
    image(at.path(), "test/cat/x.png", 16, [9, 9, 9]);
    fs::write(at.path().join("train/cat/.hidden.png"), "no image").unwrap();
    fs::write(at.path().join("train/cat/notes.txt"), "no image").unwrap();
    at
}

#[test]
fn a_folder_for_each_class() {
    let at = image_set();
    for side in [32, 16] {
        let Dataset { classes, train, test, .. } = load_folder(at.path(), side).expect("a data set");
        assert_eq!(classes, ["ant", "cat"]);
        assert_eq!((train.labels.as_slice(), test.labels.as_slice()), (&[0, 1, 1][..], &[1][..]));
        assert_eq!(
            (train.height, train.width, train.image_bytes()),
            (side, side, (side * side * 3) as usize)
        );
        for (i, colour) in [[200, 0, 7], [1, 2, 3], [10, 20, 30]].iter().enumerate() {
            assert!(train.image(i).chunks_exact(3).all(|pixel| pixel == colour), "image {i}");
        }
    }
}

#[test]
fn folders_of_images_that_cannot_be_trained_on() {
    let change = |change: &dyn Fn(&Path), words: &[&str]| {
        let at = image_set();
        change(at.path());
        assert_refused(image_folder::read(at.path(), 32), words);
    };
    change(&|at| fs::remove_dir_all(at.join("test")).unwrap(), &["no test/"]);
    change(&|at| fs::remove_dir_all(at.join("train/ant")).unwrap(), &["one class only", "cat"]);
    change(
        &|at| fs::remove_dir_all(at.join("train")).and_then(|()| fs::create_dir(at.join("train"))).unwrap(),
        &["no folders"],
    );
    change(&|at| fs::remove_file(at.join("train/ant/z.png")).unwrap(), &["ant", "no images"]);
    change(&|at| fs::remove_file(at.join("test/cat/x.png")).unwrap(), &["test", "no images"]);
    change(&|at| image(at, "test/dog/x.png", 9, [0; 3]), &["dog", "train/ has not"]);
    change(&|at| fs::write(at.join("train/cat/broken.png"), "no image").unwrap(), &["broken.png"]);
    change(
        &|at| (0..255).for_each(|i| image(at, &format!("train/c{i}/x.png"), 8, [0; 3])),
        &["257 classes", "256"],
    );
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_circles() {
    use std::os::unix::fs::symlink;
    let at = image_set();
    symlink("loop", at.path().join("train/loop")).unwrap();
    assert_refused(image_folder::read(at.path(), 32), &["train/loop"]);
    fs::remove_file(at.path().join("train/loop")).unwrap();
    // A class that is the folder above it has folders, but no images.
    symlink("..", at.path().join("train/up")).unwrap();
    assert_refused(image_folder::read(at.path(), 32), &["train/up", "no images"]);
    fs::remove_file(at.path().join("train/up")).unwrap();
    symlink("self.png", at.path().join("train/cat/self.png")).unwrap();
    assert_refused(image_folder::read(at.path(), 32), &["self.png"]);
}

#[test]
fn a_folder_without_a_data_set() {
    let at = folder();
    assert_refused(load_folder(at.path(), 32), &["holds no data set", "wgrad data fetch", "train/"]);
    assert_refused(load_folder(Path::new("no/such/folder"), 32), &["no/such/folder", "no such folder"]);
}

#[test]
fn files_are_verified() {
    let at = folder();
    let names =
        ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"];
    for name in names {
        fs::write(at.path().join(format!("{name}.bin")), vec![0; 3073]).unwrap();
    }
    let verdicts = verify(at.path()).expect("verdicts");
    assert_eq!(verdicts.len(), 7);
    assert!(verdicts.iter().all(|verdict| !verdict.ok), "{verdicts:?}");
    assert!(verdicts[0].reason.contains("expected cee91656"), "{verdicts:?}");
    assert!(verdicts[6].reason.contains("missing"), "{verdicts:?}");
    let verdicts = verify(image_set().path()).expect("verdicts");
    assert!(
        verdicts[0].ok && verdicts[0].reason.contains("3 training and 1 test images of 2"),
        "{verdicts:?}"
    );
}

/// The folder by the variables of this process, which is that of the platform where `WGRAD_DATA` is not set.
#[test]
fn the_default_folder_is_the_platforms() {
    let folder = data_folder().expect("a folder");
    match std::env::var_os("WGRAD_DATA") {
        Some(named) => assert_eq!(folder, Path::new(&named)),
        None => assert!(folder.is_absolute() && folder.ends_with("wgrad"), "{folder:?}"),
    }
}
