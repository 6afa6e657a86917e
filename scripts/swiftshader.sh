#!/bin/sh
# Starts a program on SwiftShader, a second software Vulkan driver: scripts/swiftshader.sh PROGRAM ARGUMENTS...
# It comes from Debian's package chromium-common, of which only one library is unpacked, under target/swiftshader; nothing is
# installed.
set -eu

folder=$(cd "$(dirname "$0")/.." && pwd)/target/swiftshader
library=$folder/usr/lib/chromium/libvk_swiftshader.so
if [ ! -e "$library" ]; then
    command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || {
        echo "swiftshader: this takes Debian's apt-get and its package chromium-common" >&2
        exit 1
    }
    mkdir -p "$folder"
    # The package's list may be old.
    (cd "$folder" && { apt-get -qq download chromium-common || { apt-get -qq update && apt-get -qq download chromium-common; }; }) >&2
    dpkg-deb --fsys-tarfile "$folder"/chromium-common_*.deb | tar -x -C "$folder" ./usr/lib/chromium/libvk_swiftshader.so
    rm -f "$folder"/chromium-common_*.deb
fi
printf '{"file_format_version": "1.0.0", "ICD": {"library_path": "%s", "api_version": "1.1.0"}}\n' "$library" >"$folder/icd.json"
VK_DRIVER_FILES=$folder/icd.json
VK_ICD_FILENAMES=$folder/icd.json
export VK_DRIVER_FILES VK_ICD_FILENAMES
exec "$@"
