//! `data fetch` against a local server that does everything that servers do wrong.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use wgrad::data::fetch::{Archive, Event, Member, Patience, fetch, sha256_of, unpack};

const HASTE: Patience =
    Patience { silence: Duration::from_millis(300), tries: 3, pause: Duration::from_millis(1) };

/// A .tar.gz with these entries.
fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    for (name, content) in entries {
        let mut header = tar::Header::new_gnu();
        // The name as it is: the builder would refuse those that lead out of the folder.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, *content).expect("an entry");
    }
    tar.into_inner().expect("a tar").finish().expect("a gzip")
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The content of the one file of the test's archive.
fn content() -> Vec<u8> {
    (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn good() -> Vec<u8> {
    packed(&[("set/a.bin", &content()), ("set/readme.html", b"not needed"), ("set/names.txt", b"x\ny\n")])
}

const MEMBERS: [Member<'static>; 2] = [
    Member { name: "a.bin", most: 300_000, sha256: None },
    Member { name: "names.txt", most: 100, sha256: None },
];

/// Calls `use_it` with the archive that these bytes are.
fn with_archive<T>(bytes: &[u8], use_it: impl FnOnce(&Archive) -> T) -> T {
    let sha256 = hex(bytes);
    use_it(&Archive {
        name: "set",
        url: "",
        bytes: bytes.len() as u64,
        sha256: &sha256,
        folder: "set",
        members: &MEMBERS,
    })
}

/// The requests that a server got.
type Requests = Arc<Mutex<Vec<String>>>;

/// A server that gives every connection to `answer`, with the connection's number and the request; its address.
fn serve(answer: impl Fn(usize, &str, &mut TcpStream) + Send + 'static) -> (String, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/set.tar.gz", listener.local_addr().expect("an address"));
    let requests = Requests::default();
    let (log, count) = (Arc::clone(&requests), AtomicUsize::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
                request.push(byte[0]);
            }
            let request = String::from_utf8_lossy(&request).to_lowercase();
            log.lock().expect("a log").push(request.clone());
            answer(count.fetch_add(1, Ordering::Relaxed), &request, &mut stream);
        }
    });
    (address, requests)
}

fn send(stream: &mut TcpStream, head: &str, body: &[u8]) {
    // The other side may have gone: that is its right.
    let _ = stream.write_all(format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes());
    let _ = stream.write_all(body);
}

/// The whole file, or what the request's range asks for; at most `most` bytes of it.
fn send_file(stream: &mut TcpStream, request: &str, bytes: &[u8], most: usize) {
    let range = request.split("range: bytes=").nth(1).and_then(|rest| rest.split('-').next());
    let first: usize = range.map_or(0, |first| first.parse().expect("a number"));
    let rest = &bytes[first..];
    let all = bytes.len();
    let head = match range {
        None => format!("200 OK\r\nContent-Length: {all}"),
        Some(_) => format!(
            "206 Partial Content\r\nContent-Range: bytes {first}-{}/{all}\r\nContent-Length: {}",
            all - 1,
            rest.len()
        ),
    };
    send(stream, &head, &rest[..rest.len().min(most)]);
}

/// Fetches from the server: the answer, and the remarks on the way.
fn fetch_from(address: &str, bytes: &[u8], to: &Path) -> (wgrad::Result<std::path::PathBuf>, Vec<String>) {
    let mut notes = Vec::new();
    let mut last = 0;
    let fetched = with_archive(bytes, |archive| {
        fetch(archive, address, to, HASTE, &mut |event| match event {
            Event::Note(note) => notes.push(note.to_owned()),
            Event::Bytes(done, all) => {
                assert!(done <= all);
                last = done;
            }
        })
    });
    assert!(fetched.is_err() || last == 0 || last == bytes.len() as u64);
    (fetched, notes)
}

#[track_caller]
fn assert_fetched(address: &str, to: &Path) -> Vec<String> {
    let (folder, notes) = fetch_from(address, &good(), to);
    let folder = folder.expect("it is fetched");
    assert_eq!(std::fs::read(folder.join("a.bin")).expect("a file"), content());
    let mut names: Vec<_> =
        std::fs::read_dir(to).expect("a folder").map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.pop().expect("one"), "set");
    assert!(names.is_empty(), "nothing else is left: {names:?}");
    assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 2, "the readme is not needed");
    notes
}

#[track_caller]
fn assert_refused(address: &str, words: &[&str]) {
    let to = tempfile::tempdir().expect("a folder");
    let (fetched, _) = fetch_from(address, &good(), to.path());
    let text = fetched.expect_err("it must fail").to_string();
    for word in words {
        assert!(text.contains(word), "expected {word:?} in {text:?}");
    }
    assert!(!to.path().join("set").exists(), "no data set is left");
}

#[test]
fn a_good_server() {
    let to = tempfile::tempdir().expect("a folder");
    let (address, requests) = serve(|_, request, stream| send_file(stream, request, &good(), usize::MAX));
    assert_fetched(&address, to.path());
    let (again, notes) = fetch_from(&address, &good(), to.path());
    again.expect("it is there");
    assert!(notes[0].contains("already"), "{notes:?}");
    assert_eq!(requests.lock().expect("a log").len(), 1, "what is there is not fetched again");
}

#[test]
fn a_connection_that_ends_early_is_gone_on_with() {
    let to = tempfile::tempdir().expect("a folder");
    let (address, requests) = serve(|_, request, stream| send_file(stream, request, &good(), 70_001));
    assert_fetched(&address, to.path());
    let requests = requests.lock().expect("a log");
    assert!(!requests[0].contains("range:") && requests[1].contains("range: bytes=70001-"), "{requests:?}");
    assert_eq!(requests.len(), good().len().div_ceil(70_001));
}

#[test]
fn a_second_call_goes_on_where_the_first_gave_up() {
    let to = tempfile::tempdir().expect("a folder");
    let (address, requests) = serve(|number, request, stream| match number {
        0 => send_file(stream, request, &good(), 200_000),
        1..=3 => send(stream, "503 Service Unavailable", b""),
        _ => send_file(stream, request, &good(), usize::MAX),
    });
    let (fetched, _) = fetch_from(&address, &good(), to.path());
    let text = fetched.expect_err("the server is out of service").to_string();
    assert!(text.contains("503") && text.contains("200000 of"), "{text}");
    assert_fetched(&address, to.path());
    assert!(requests.lock().expect("a log")[4].contains("range: bytes=200000-"));
}

#[test]
fn a_server_that_falls_silent_is_left() {
    let to = tempfile::tempdir().expect("a folder");
    let (address, _) = serve(|number, request, stream| {
        send_file(stream, request, &good(), if number == 0 { 1000 } else { usize::MAX });
        if number == 0 {
            let stream = stream.try_clone().expect("a copy keeps the connection open");
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_secs(5));
                drop(stream);
            });
        }
    });
    let notes = assert_fetched(&address, to.path());
    assert!(notes.iter().any(|note| note.contains("trying again")), "{notes:?}");

    let (address, _) = serve(|_, _, stream| {
        let stream = stream.try_clone().expect("a copy keeps the connection open");
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(5));
            drop(stream);
        });
    });
    assert_refused(&address, &["does not answer", "0 of"]);
}

#[test]
fn a_server_without_ranges_begins_anew_but_not_for_ever() {
    let whole = |stream: &mut TcpStream, most: usize| {
        let bytes = good();
        let head = format!("200 OK\r\nContent-Length: {}", bytes.len());
        send(stream, &head, &bytes[..bytes.len().min(most)]);
    };
    let to = tempfile::tempdir().expect("a folder");
    let (address, _) =
        serve(move |number, _, stream| whole(stream, if number == 0 { 5000 } else { usize::MAX }));
    assert_fetched(&address, to.path());
    let (address, requests) = serve(move |_, _, stream| whole(stream, 5000));
    assert_refused(&address, &["of", "are in", "goes on from there"]);
    assert_eq!(requests.lock().expect("a log").len(), 4, "one that brought something, three that did not");
}

#[test]
fn wrong_bytes_are_found_by_the_checksum() {
    let spoilt = || {
        let mut bytes = good();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    };
    let (address, _) = serve(move |_, request, stream| send_file(stream, request, &spoilt(), usize::MAX));
    let wrong = hex(&spoilt());
    assert_refused(&address, &["SHA-256", &wrong, &hex(&good())]);

    // What an earlier try left is wrong: once more from the beginning.
    let to = tempfile::tempdir().expect("a folder");
    std::fs::write(to.path().join("set.tar.gz.part"), &spoilt()[..250_000]).expect("a file");
    let (address, requests) = serve(|_, request, stream| send_file(stream, request, &good(), usize::MAX));
    let notes = assert_fetched(&address, to.path());
    assert!(notes.iter().any(|note| note.contains("once more from the beginning")), "{notes:?}");
    assert_eq!(requests.lock().expect("a log").len(), 2);
}

#[test]
fn answers_that_are_no_archive() {
    let (address, requests) = serve(|_, _, stream| send(stream, "404 Not Found\r\nContent-Length: 0", b""));
    assert_refused(&address, &["404 Not Found", "address", &address]);
    assert_eq!(requests.lock().expect("a log").len(), 1, "no second try");
    let page = b"<html>log in</html>";
    let head = format!("200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}", page.len());
    let (address, _) = serve(move |_, _, stream| send(stream, &head, page));
    assert_refused(&address, &["web page", "proxy"]);
    let (address, _) = serve(|_, _, stream| send(stream, "200 OK\r\nContent-Length: 3", b"abc"));
    assert_refused(&address, &["3 bytes", "another file"]);
    let (address, _) = serve(|_, _, stream| send(stream, "200 OK", &[7; 1 << 20]));
    assert_refused(&address, &["sends more than", "another file"]);
    let (address, _) =
        serve(|_, _, stream| send(stream, "302 Found\r\nLocation: /set.tar.gz\r\nContent-Length: 0", b""));
    assert_refused(&address, &["redirects in a loop"]);
    let (address, _) = serve(|_, _, stream| drop(stream.write_all(b"\x00\x01 no HTTP at all\r\n\r\n")));
    assert_refused(&address, &[&address]);
}

#[test]
fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}/x", listener.local_addr().expect("an address"));
    drop(listener);
    assert_refused(&address, &["no connection", "0 of"]);
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let to = tempfile::tempdir().expect("a folder");
    let file = std::fs::File::create(to.path().join("set.tar.gz.part")).expect("a file");
    file.try_lock().expect("a lock");
    let (fetched, _) = fetch_from("http://127.0.0.1:9/", &good(), to.path());
    let text = fetched.expect_err("it is locked").to_string();
    assert!(text.contains("another wgrad"), "{text}");
}

#[test]
fn archives_are_unpacked_with_care() {
    let refused = |bytes: &[u8], words: &[&str]| {
        let to = tempfile::tempdir().expect("a folder");
        let (from, folder) = (to.path().join("x.tar.gz"), to.path().join("set"));
        std::fs::write(&from, bytes).expect("a file");
        let text =
            with_archive(bytes, |archive| unpack(archive, &from, &folder)).expect_err("refused").to_string();
        for word in words {
            assert!(text.contains(word), "expected {word:?} in {text:?}");
        }
        assert_eq!(
            std::fs::read_dir(to.path()).expect("a folder").count(),
            1,
            "nothing but the archive is left"
        );
    };
    refused(&packed(&[("set/../../evil", b"x")]), &["../../evil", "leads out"]);
    refused(&packed(&[("/etc/evil", b"x")]), &["/etc/evil", "leads out"]);
    refused(&packed(&[("set/a.bin", &[0; 300_001])]), &["set/a.bin", "300001 bytes", "300000"]);
    refused(&packed(&[("set/a.bin", b"x")]), &["no set/names.txt"]);
    refused(b"no gzip", &["damaged"]);
    let whole = good();
    refused(&whole[..whole.len() / 2], &["damaged"]);
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    let mut link = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::none()));
    link.append_link(&mut header, "set/a.bin", "/etc/passwd").expect("an entry");
    refused(&link.into_inner().unwrap().finish().unwrap(), &["set/a.bin", "no plain file"]);
}

#[test]
fn published_sums_are_well_formed() {
    use wgrad::data::fetch::ARCHIVES;
    let sums = ARCHIVES.iter().flat_map(|archive| {
        archive.members.iter().filter_map(|member| member.sha256).chain([archive.sha256])
    });
    let mut all: Vec<&str> = sums.collect();
    assert!(
        all.iter()
            .all(|sum| sum.len() == 64
                && sum.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()))
    );
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 10, "no sum stands twice");
    let file = tempfile::NamedTempFile::new().expect("a file");
    // FIPS 180-4's example.
    std::fs::write(file.path(), "abc").expect("a file");
    let want = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sha256_of(file.path()).expect("a sum"), want);
}
