//! Getting a published data set: download, checksum, unpacking.

mod download;
mod unpack;

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

pub use unpack::unpack;

use super::hex;
use crate::{Error, Result};

/// A published archive.
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    /// The name after `data fetch`.
    pub name: &'a str,
    /// Where its authors publish it.
    pub url: &'a str,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file, in lower-case hexadecimal.
    pub sha256: &'a str,
    /// The folder inside it.
    pub folder: &'a str,
    /// The files in that folder, with the most bytes that each may have and, where known, its SHA-256.
    pub members: &'a [Member<'a>],
}

/// A file of an archive.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its name.
    pub name: &'a str,
    /// The most bytes that it may have.
    pub most: u64,
    /// Its SHA-256, where it is known.
    pub sha256: Option<&'a str>,
}

const fn member(name: &'static str, most: u64, sha256: &'static str) -> Member<'static> {
    Member { name, most, sha256: Some(sha256) }
}

const fn names(name: &'static str) -> Member<'static> {
    Member { name, most: 1 << 16, sha256: None }
}

/// A batch of CIFAR-10.
const BATCH: u64 = 30_730_000;

/// The archives of <https://www.cs.toronto.edu/~kriz/cifar.html>, "binary version". The page gives MD5 sums
/// (c32a1d4ab5d03f1284b67883e8d87530 and 03b5dce01913d631647c71ecec9e9cb8); the SHA-256 sums are those that users of the
/// files have recorded for them (TensorFlow Datasets, Julia's and Go's readers agree), the members' of CIFAR-10 were taken
/// from the files.
pub const ARCHIVES: [Archive<'static>; 2] = [
    Archive {
        name: "cifar10",
        url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        bytes: 170_052_171,
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        folder: "cifar-10-batches-bin",
        members: &[
            member(
                "data_batch_1.bin",
                BATCH,
                "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            ),
            member(
                "data_batch_2.bin",
                BATCH,
                "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            ),
            member(
                "data_batch_3.bin",
                BATCH,
                "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            ),
            member(
                "data_batch_4.bin",
                BATCH,
                "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            ),
            member(
                "data_batch_5.bin",
                BATCH,
                "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            ),
            member(
                "test_batch.bin",
                BATCH,
                "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
            ),
            names("batches.meta.txt"),
        ],
    },
    Archive {
        name: "cifar100",
        url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        bytes: 168_513_733,
        sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        folder: "cifar-100-binary",
        members: &[
            member(
                "train.bin",
                153_700_000,
                "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
            ),
            member(
                "test.bin",
                30_740_000,
                "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
            ),
            names("fine_label_names.txt"),
            names("coarse_label_names.txt"),
        ],
    },
];

/// The archive of this name.
pub fn archive(name: &str) -> Option<&'static Archive<'static>> {
    ARCHIVES.iter().find(|archive| archive.name == name)
}

/// How long to wait for a server, and how often.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The longest silence of a connection.
    pub silence: Duration,
    /// Tries in a row that may bring nothing new.
    pub tries: u32,
    /// Wait between two tries.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence: Duration::from_secs(30), tries: 5, pause: Duration::from_secs(2) }
    }
}

/// What happens on the way.
#[derive(Debug)]
pub enum Event<'a> {
    /// So many bytes of so many are there.
    Bytes(u64, u64),
    /// A remark for people.
    Note(&'a str),
}

/// Who is told what happens.
pub type Listener<'a> = &'a mut dyn FnMut(Event);

/// Brings the archive's files to `to`/[`Archive::folder`] and gives that folder. What an earlier call has downloaded is gone on
/// with; a folder that has all files already is left as it is.
///
/// # Errors
/// A server that does not answer, answers with something else, or whose file has another checksum; a folder that cannot be
/// written. What was downloaded is kept unless it is wrong.
pub fn fetch(archive: &Archive, url: &str, to: &Path, patience: Patience, tell: Listener) -> Result<PathBuf> {
    let folder = to.join(archive.folder);
    if archive.members.iter().all(|member| folder.join(member.name).is_file()) {
        tell(Event::Note("all files are there already; `wgrad data verify` compares their checksums"));
        return Ok(folder);
    }
    std::fs::create_dir_all(to).map_err(Error::io("create", to))?;
    let part = to.join(format!("{}.tar.gz.part", archive.folder));
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&part);
    let file = file.map_err(Error::io("create", &part))?;
    if file.try_lock().is_err() {
        return Err(Error::data(&part, "another wgrad is downloading it: wait for it, or stop it"));
    }
    let begun = file.metadata().map_err(Error::io("read", &part))?.len() > 0;
    download::download(archive, url, &part, &file, patience, tell)?;
    let mut sum = sha256_of(&part)?;
    if sum != archive.sha256 && begun {
        tell(Event::Note(
            "the checksum is wrong; what an earlier try left may be to blame: once more from the beginning",
        ));
        file.set_len(0).map_err(Error::io("shorten", &part))?;
        download::download(archive, url, &part, &file, patience, tell)?;
        sum = sha256_of(&part)?;
    }
    if sum != archive.sha256 {
        let _ = std::fs::remove_file(&part);
        let want = archive.sha256;
        return Err(Error::data(
            url,
            format!(
                "the file's SHA-256 is {sum}, expected {want}: it was changed or damaged on the way; try again"
            ),
        ));
    }
    tell(Event::Note("checksum right; unpacking"));
    unpack(archive, &part, &folder)?;
    drop(file);
    std::fs::remove_file(&part).map_err(Error::io("remove", &part))?;
    Ok(folder)
}

/// SHA-256 of a file, in lower-case hexadecimal.
///
/// # Errors
/// A file that cannot be read.
pub fn sha256_of(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io("read", path))?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer).map_err(Error::io("read", path))? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(&buffer[..count]),
        }
    }
}
