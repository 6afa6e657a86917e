#!/bin/sh
# Checks the dependencies by deny.toml with cargo-deny, which it installs into target/tools where it is missing: licences, versions
# and sources; and known faults, where RustSec's list can be fetched.
set -eu

cargo=${CARGO:-cargo}
deny=$(command -v cargo-deny || echo target/tools/bin/cargo-deny)
if [ ! -x "$deny" ]; then
    echo "audit: installing cargo-deny into target/tools, which takes some minutes" >&2
    "$cargo" install cargo-deny --locked --root target/tools
fi
"$deny" --all-features check licenses bans sources
if "$deny" --all-features fetch db; then
    "$deny" --all-features check --disable-fetch advisories
else
    echo "audit: RustSec's list of known faults cannot be fetched: NOT CHECKED" >&2
fi
