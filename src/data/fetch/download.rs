//! A download that goes on where it stopped.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use super::{Archive, Event, Listener, Patience};
use crate::{Error, Result};

/// Why a try ended.
enum Failure {
    /// Another try may do better.
    Passing(String),
    /// Trying again has no sense.
    Lasting(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Lasting(error)
    }
}

/// Completes `file`, which lies at `part`, to the archive's size.
pub(super) fn download(
    archive: &Archive,
    url: &str,
    part: &Path,
    file: &File,
    patience: Patience,
    tell: Listener,
) -> Result<()> {
    let agent = agent(url, patience.silence);
    let length = || file.metadata().map(|metadata| metadata.len()).map_err(Error::io("read", part));
    let (mut best, mut vain) = (length()?, 0);
    loop {
        if length()? > archive.bytes {
            file.set_len(0).map_err(Error::io("shorten", part))?;
        }
        if length()? == archive.bytes {
            return Ok(());
        }
        let reason = match attempt(&agent, archive, url, part, file, tell) {
            Ok(()) => "the connection ended early".to_owned(),
            Err(Failure::Passing(reason)) => reason,
            Err(Failure::Lasting(error)) => return Err(error),
        };
        let have = length()?;
        if have == archive.bytes {
            return Ok(());
        }
        // A server that begins anew each time brings nothing.
        vain = if have > best { 0 } else { vain + 1 };
        best = best.max(have);
        if vain >= patience.tries {
            let all = archive.bytes;
            return Err(Error::data(
                url,
                format!(
                    "{reason}; {have} of {all} bytes are in {}, the same command goes on from there",
                    part.display()
                ),
            ));
        }
        tell(Event::Note(&format!("{reason}; trying again")));
        std::thread::sleep(patience.pause);
    }
}

fn agent(url: &str, silence: Duration) -> Agent {
    let config = Agent::config_builder()
        // From TLS there is no way back to plain text.
        .https_only(url.starts_with("https:"))
        .http_status_as_error(false)
        .max_redirects(5)
        .timeout_resolve(Some(silence))
        .timeout_connect(Some(silence))
        .timeout_recv_response(Some(silence))
        .timeout_per_read(Some(silence))
        .user_agent(concat!("wgrad/", env!("CARGO_PKG_VERSION")))
        .accept_encoding("identity");
    config.build().new_agent()
}

/// One request for what is missing.
fn attempt(
    agent: &Agent,
    archive: &Archive,
    url: &str,
    part: &Path,
    mut file: &File,
    tell: Listener,
) -> std::result::Result<(), Failure> {
    let mut have = file.metadata().map_err(Error::io("read", part))?.len();
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let response = request.call().map_err(|error| failure(url, &error))?;
    if !continues(archive, url, &response, have)? {
        file.set_len(0).map_err(Error::io("shorten", part))?;
        have = 0;
        if response.status() != StatusCode::OK {
            return Err(Failure::Passing("the server could not go on where the download stopped".into()));
        }
    }
    file.seek(SeekFrom::Start(have)).map_err(Error::io("write", part))?;
    let mut body = response.into_body().into_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = match body.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) => return Err(Failure::Passing(format!("the connection broke ({error})"))),
        };
        have += count as u64;
        if have > archive.bytes {
            let reason =
                format!("sends more than the {} bytes of the archive: it is another file", archive.bytes);
            file.set_len(0).map_err(Error::io("shorten", part))?;
            return Err(Error::data(url, reason).into());
        }
        file.write_all(&buffer[..count]).map_err(Error::io("write", part))?;
        tell(Event::Bytes(have, archive.bytes));
    }
}

/// Whether the answer brings what comes after the first `have` bytes; false where it has to begin anew.
fn continues(
    archive: &Archive,
    url: &str,
    response: &Response<Body>,
    have: u64,
) -> std::result::Result<bool, Failure> {
    let status = response.status();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    if status.is_server_error() || [408, 429].contains(&status.as_u16()) {
        return Err(Failure::Passing(format!("the server answers {status}")));
    }
    if status == StatusCode::RANGE_NOT_SATISFIABLE {
        return Ok(false);
    }
    if status != StatusCode::OK && status != StatusCode::PARTIAL_CONTENT {
        let reason = format!("the server answers {status}: check the address (--url names another one)");
        return Err(Error::data(url, reason).into());
    }
    if header("content-type").is_some_and(|kind| kind.starts_with("text/html")) {
        let reason =
            "the server sends a web page, not the archive: a proxy's or login page may stand in between";
        return Err(Error::data(url, reason).into());
    }
    let goes_on = status == StatusCode::PARTIAL_CONTENT
        && header("content-range").is_some_and(|range| range.starts_with(&format!("bytes {have}-")));
    let first = if goes_on { have } else { 0 };
    let length = header("content-length").and_then(|length| length.parse::<u64>().ok());
    if let Some(length) = length.filter(|length| status == StatusCode::OK && first + length != archive.bytes)
    {
        let reason =
            format!("the file there has {length} bytes, expected {}: it is another file", archive.bytes);
        return Err(Error::data(url, reason).into());
    }
    Ok(goes_on || (have == 0 && status == StatusCode::OK))
}

fn failure(url: &str, error: &ureq::Error) -> Failure {
    use ureq::Error as E;
    let lasting = |reason: String| Failure::Lasting(Error::data(url, reason));
    match error {
        E::TooManyRedirects => lasting("the server redirects in a loop (more than 5 times)".into()),
        E::Timeout(_) => Failure::Passing("the server does not answer".into()),
        E::HostNotFound => Failure::Passing("the server's name is not known: is there a network?".into()),
        E::Io(_) | E::ConnectionFailed | E::BodyStalled => {
            Failure::Passing(format!("no connection ({error})"))
        }
        E::RequireHttpsOnly(to) => lasting(format!("the server redirects to {to}, which is not encrypted")),
        _ => lasting(format!("the download failed ({error})")),
    }
}
