#!/bin/sh
# Compiles every HLSL text of a folder with Microsoft's DXC: scripts/dxc.sh FOLDER. DXC comes from a package for Python, of
# which only one library is used, unpacked under target/dxc; nothing is installed. Ends with 3 where it cannot be had.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
folder=$root/target/dxc
library=$folder/lib/compushady/backends/libdxcompiler_x86_64.so

none() {
    echo "dxc: $1" >&2
    exit 3
}

if [ ! -e "$library" ]; then
    [ "$(uname -sm)" = "Linux x86_64" ] || none "the package has it for Linux on x86-64 only"
    command -v python3 >/dev/null 2>&1 || none "this takes python3"
    python3 -m venv "$folder/venv" || none "this takes Python's venv: on Debian and Ubuntu, apt-get install python3-venv"
    # The library does not depend on Python's version, whatever the package's name says.
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
        --implementation cp --python-version 3.11 --abi cp311 --platform manylinux_2_28_x86_64 \
        --target "$folder/lib" -r "$root/tests/dxc/requirements.txt" >&2 || none "pip could not get it: see its message above"
fi
[ $# -eq 1 ] || exit 0
exec python3 "$root/tests/dxc/compile.py" "$1" "$library"
