#!/bin/sh
# Makes the crate's package, compiles it as who downloads it would, and prints its size, which crates.io limits to 10 MiB.
set -eu

cargo=${CARGO:-cargo}
most=$((10 * 1024 * 1024))
"$cargo" package --allow-dirty --locked
package=$(ls -t target/package/wgrad-*.crate | head -n 1)
bytes=$(wc -c <"$package")
files=$("$cargo" package --allow-dirty --list | wc -l)
echo "package: $package, $files files, $bytes bytes of $most"
if [ "$bytes" -ge "$most" ]; then
    echo "package: too large; see include in Cargo.toml" >&2
    exit 1
fi
