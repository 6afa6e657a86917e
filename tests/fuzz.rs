//! Everything that reads what others wrote, on inputs that are almost right: no panic, and no more memory than the input
//! justifies.
//!
//! `WGRAD_FUZZ_CASES` sets the cases of each target (1,000), `WGRAD_FUZZ_SEED` the inputs. The long form, with its counts:
//! `WGRAD_FUZZ_CASES=1000000 cargo test --release --test fuzz -- --nocapture`

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use wgrad::config::{RECIPES, RunConfig};
use wgrad::data::{Images, cifar10, cifar100, image_file, python};
use wgrad::kernels::{ACTIVATIONS, Activation};
use wgrad::nn::models::{Settings, build};
use wgrad::rng::{Sequence, Stream};
use wgrad::train::Checkpoint;

/// Counts what each thread has allocated.
struct Counting;

thread_local! {
    static LIVE: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

fn count(bytes: i64) {
    // A thread that ends has no counters any more.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        PEAK.with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: the system's allocator does all of the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's own promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller's own promise.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's own promise.
        unsafe { System.alloc_zeroed(layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn variable(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn below(random: &mut Sequence, end: usize) -> usize {
    ((random.uniform() * end as f64) as usize).min(end.saturating_sub(1))
}

/// Numbers that lengths and sizes go wrong at.
const WORDS: [&[u8]; 8] = [
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x80",
    b"\xff\xff\xff\x7f",
    b"\x00",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\x01\x00\x00\x00\x00\x00\x00\x00",
    b"\n",
    b"99999999999999999999",
];

/// One of `bases` after one to six changes; parts of the others and of `tokens` may come in.
fn mutated(random: &mut Sequence, bases: &[Vec<u8>], tokens: &[&[u8]]) -> Vec<u8> {
    let mut bytes = bases[below(random, bases.len())].clone();
    for _ in 0..=below(random, 6) {
        let at = below(random, bytes.len() + 1);
        match below(random, 8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << below(random, 8),
            1 if at < bytes.len() => bytes[at] = below(random, 256) as u8,
            2 => bytes.truncate(at),
            3 => {
                let end = (at + below(random, 64)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let end = (at + below(random, 64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            5 => {
                let word = WORDS[below(random, WORDS.len())];
                let end = (at + word.len()).min(bytes.len());
                bytes.splice(at..end, word.iter().copied());
            }
            6 if !tokens.is_empty() => {
                bytes.splice(at..at, tokens[below(random, tokens.len())].iter().copied());
            }
            _ => {
                let other = &bases[below(random, bases.len())];
                let from = below(random, other.len() + 1);
                let end = (from + below(random, 256)).min(other.len());
                bytes.splice(at..at, other[from..end].iter().copied());
            }
        }
    }
    bytes
}

/// Gives `read` all cases; it says whether it took the input. `most` is the memory of one case in bytes, besides 16 times
/// the input.
fn fuzz(name: &str, most: i64, bases: &[Vec<u8>], tokens: &[&[u8]], read: impl Fn(&[u8]) -> bool) {
    let (cases, seed) = (variable("WGRAD_FUZZ_CASES", 1000), variable("WGRAD_FUZZ_SEED", 1));
    assert!(
        bases.iter().all(|base| read(base)),
        "{name}: the inputs that are changed must be right themselves"
    );
    let (mut taken, mut largest) = (0, 0);
    for case in 0..cases {
        let mut random = Sequence::new(seed, Stream::Shuffle, case, 7);
        let input = mutated(&mut random, bases, tokens);
        let before = LIVE.get();
        PEAK.set(before);
        let outcome = catch_unwind(AssertUnwindSafe(|| read(&input)));
        let peak = PEAK.get() - before;
        match outcome {
            Ok(took) => taken += u32::from(took),
            Err(_) => {
                panic!("{name}, seed {seed}, case {case}: panicked on {:?}", String::from_utf8_lossy(&input))
            }
        }
        largest = largest.max(peak);
        let allowed = most + 16 * input.len() as i64;
        assert!(
            peak <= allowed,
            "{name}, seed {seed}, case {case}: {peak} bytes for {} of input",
            input.len()
        );
    }
    let refused = cases - taken;
    eprintln!(
        "{name}: {cases} cases, seed {seed}: {taken} taken, {refused} refused, at most {largest} bytes at once"
    );
}

/// A file that every case is written to.
struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let folder = folder.expect("a temporary folder");
        Self { path: folder.path().join(name), _folder: folder }
    }

    fn put(&self, bytes: &[u8]) -> &Path {
        fs::write(&self.path, bytes).expect("a file is written");
        &self.path
    }
}

const MIB: i64 = 1 << 20;

#[test]
fn cifar_files() {
    let path = Path::new("data_batch_1.bin");
    let record = |labels: &[u8]| [labels, &[7; 3072]].concat();
    let bases = [record(&[3]), [record(&[9]), record(&[0])].concat()];
    fuzz("cifar10", MIB, &bases, &[], |bytes| {
        let mut images = Images::empty(32, 32);
        cifar10::parse(path, bytes, &mut images).is_ok()
    });
    let bases = [record(&[3, 99]), [record(&[1, 2]), record(&[0, 0])].concat()];
    fuzz("cifar100", MIB, &bases, &[], |bytes| {
        let mut images = Images::empty(32, 32);
        cifar100::parse(path, bytes, &mut images).is_ok()
    });
}

#[test]
fn pickles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bases = [fs::read(root.join("tests/data/batch_protocol_4.pickle")).expect("a file")];
    let tokens: [&[u8]; 14] = [
        b"(",
        b"t",
        b"]",
        b"}",
        b"R",
        b"b",
        b"\x85",
        b"\x87",
        b"h\x00",
        b"j\xff\xff\xff\x7f",
        b"\x94",
        b"u",
        b"e",
        b"cos\nsystem\n",
    ];
    fuzz("pickle", MIB, &bases, &tokens, |bytes| {
        let mut images = Images::empty(32, 32);
        python::parse_batch(Path::new("data_batch_1"), bytes, &mut images).is_ok()
    });
}

#[test]
fn checkpoints() {
    let place = Place::new("c.safetensors");
    let mut checkpoint = Checkpoint { progress: Some(Default::default()), ..Checkpoint::default() };
    checkpoint.tensors.insert("conv1.weight".into(), (vec![2, 3, 1, 1], vec![0.5; 6]));
    checkpoint.tensors.insert("train.records".into(), (vec![0, 2], Vec::new()));
    checkpoint.write(&place.path).expect("it is written");
    let bases = [fs::read(&place.path).expect("a file")];
    let tokens: [&[u8]; 6] = [b"\"dtype\":\"F64\"", b"[", b"{", b"\"", b"18446744073709551615", b"-1"];
    fuzz("checkpoint", MIB, &bases, &tokens, |bytes| Checkpoint::read(place.put(bytes)).is_ok());
}

#[test]
fn recipes() {
    let mut bases: Vec<Vec<u8>> = RECIPES.iter().map(|recipe| recipe.toml.as_bytes().to_vec()).collect();
    bases.push(RunConfig::default().to_toml().into_bytes());
    let tokens: [&[u8]; 10] = [
        b"base = \"quickstart\"\n",
        b"[[",
        b"= nan\n",
        b"= -1\n",
        b"= \"none\"\n",
        b"[data]\n",
        b"1e999",
        b"{",
        b"\"\"\"",
        b".",
    ];
    fuzz("recipe", 4 * MIB, &bases, &tokens, |bytes| {
        std::str::from_utf8(bytes).is_ok_and(|text| RunConfig::from_toml(text, "recipe").is_ok())
    });
}

#[test]
fn models() {
    let place = Place::new("model.toml");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bases = [fs::read(root.join("assets/models/small.toml")).expect("a file")];
    let tokens: [&[u8]; 10] = [
        b"{ repeat = 2, layers = [",
        b"] }",
        b"{ conv = 999999999999 },",
        b"kernel = 0",
        b"{ residual = [",
        b", stride = 3",
        b"{ flatten = true },",
        b"{ linear = 7 },",
        b"\"relu\"",
        b", padding = 9999999999999999",
    ];
    let settings = Settings::cifar10(Activation::parse("relu").expect("an activation"));
    // A description may grow to ten thousand layers.
    fuzz("model", 64 * MIB, &bases, &tokens, |bytes| {
        build(place.put(bytes).to_str().expect("UTF-8"), &settings).is_ok()
    });
}

#[test]
fn specs() {
    let bases: Vec<Vec<u8>> = ACTIVATIONS.iter().map(|row| row.spec().into_bytes()).collect();
    let tokens: [&[u8]; 8] = [b":", b",", b"=", b"=nan", b"=1e39", b".wgsl", b"relu", b"=-0"];
    fuzz("spec", MIB, &bases, &tokens, |bytes| {
        std::str::from_utf8(bytes).is_ok_and(|text| Activation::parse(text).is_ok())
    });
}

#[test]
fn users_activations() {
    let place = Place::new("own.wgsl");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let bases = [fs::read(root.join("assets/activations/swish.wgsl")).expect("a file")];
    let tokens: [&[u8]; 14] = [
        b"fn ",
        b"{",
        b"}",
        b"(",
        b"loop {",
        b"for (;;) {",
        b"var<private> a: array<f32, 999999999>;",
        b"@compute ",
        b"/*",
        b"// param: A = 1 in 0..2\n",
        b"// noise: uniform\n",
        b"return ",
        b"x * ",
        b"vec4<f32>(",
    ];
    // What naga makes of a module, and what the program keeps of a file that it took.
    fuzz("user WGSL", 8 * MIB, &bases, &tokens, |bytes| {
        Activation::parse(place.put(bytes).to_str().expect("UTF-8")).is_ok()
    });
}

#[test]
fn image_files() {
    let place = Place::new("x.png");
    let image = image::RgbImage::from_fn(9, 7, |x, y| image::Rgb([x as u8 * 20, y as u8 * 30, 5]));
    let format = |format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("an image");
        bytes.into_inner()
    };
    use image::ImageFormat::{Bmp, Jpeg, Png, WebP};
    let bases = [Png, Jpeg, WebP, Bmp].map(format);
    // 512 MiB decoded is the documented limit; turned and cut it may stand there twice.
    fuzz("image", 1100 * MIB, &bases, &[], |bytes| image_file::read_image(place.put(bytes)).is_ok());
}
