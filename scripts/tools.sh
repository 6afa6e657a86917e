#!/bin/sh
# Installs what the tests of translated shaders run, where it is missing: spirv-val, and with the argument hlsl also
# glslangValidator. On Debian and Ubuntu by apt-get; elsewhere it says what to install.
set -eu

need=""
command -v spirv-val >/dev/null 2>&1 || need="spirv-tools"
if [ "${1:-}" = hlsl ] && ! command -v glslangValidator >/dev/null 2>&1; then
    need="$need glslang-tools"
fi
[ -n "$need" ] || exit 0

fail() {
    echo "tools: $1" >&2
    exit 1
}

if command -v apt-get >/dev/null 2>&1; then
    root=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || fail "as root, run: apt-get update && apt-get install $need"
        root=sudo
    fi
    echo "tools: installing $need" >&2
    $root apt-get update || fail "apt-get update failed: check the network, then run make tools again"
    # shellcheck disable=SC2086
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $need ||
        fail "apt-get could not install $need: see its message above"
elif command -v dnf >/dev/null 2>&1; then
    fail "run: sudo dnf install spirv-tools glslang"
elif command -v pacman >/dev/null 2>&1; then
    fail "run: sudo pacman -S spirv-tools glslang"
elif command -v brew >/dev/null 2>&1; then
    fail "run: brew install spirv-tools glslang"
else
    fail "install SPIRV-Tools (spirv-val) and glslang; both are in the Vulkan SDK"
fi
