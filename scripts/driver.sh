#!/bin/sh
# Sees to it that there is a Vulkan driver: where none is found on Debian or Ubuntu, installs the software one (Mesa's
# lavapipe) and the loader. Elsewhere on Linux it says what to install. Does nothing where a driver is there.
set -eu

# Folders in which the Vulkan loader looks for driver descriptions.
icd_folders() {
    echo "${XDG_CONFIG_HOME:-${HOME:-}/.config}/vulkan/icd.d"
    echo "${XDG_DATA_HOME:-${HOME:-}/.local/share}/vulkan/icd.d"
    for root in /etc /usr/share /usr/local/share /usr/local/etc /etc/xdg; do
        echo "$root/vulkan/icd.d"
    done
    echo "${XDG_DATA_DIRS:-}:${XDG_CONFIG_DIRS:-}" | tr ':' '\n' | sed -n 's|[^/]$|&/|; s|/$|/vulkan/icd.d|p'
}

# All driver descriptions, one a line: those of the variables replace those of the folders, as in the loader.
icd_files() {
    chosen="${VK_DRIVER_FILES:-${VK_ICD_FILENAMES:-}}"
    if [ -n "$chosen" ]; then
        echo "$chosen" | tr ':' '\n'
    else
        icd_folders
        echo "${VK_ADD_DRIVER_FILES:-}" | tr ':' '\n'
    fi | while read -r entry; do
        if [ -d "$entry" ]; then
            for file in "$entry"/*.json; do
                [ -f "$file" ] && echo "$file"
            done
        elif [ -f "$entry" ]; then
            echo "$entry"
        fi
    done
    return 0
}

# Is the library there? Debian keeps ldconfig off the path of ordinary users.
have_library() {
    case "$1" in
    */*) [ -e "$1" ] && return 0 ;;
    esac
    # No grep -q here: it would close the pipe early.
    listed=$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2>/dev/null | grep -cF "$(basename "$1") " || true)
    [ "${listed:-0}" -gt 0 ] && return 0
    for folder in /lib /lib64 /usr/lib /usr/lib64 /usr/local/lib "/usr/lib/$(uname -m)-linux-gnu"; do
        [ -e "$folder/$(basename "$1")" ] && return 0
    done
    return 1
}

# Does a description name a library that is there? Container tools leave some whose library is not.
works() {
    library=$(sed -n 's/.*"library_path"[^"]*"\([^"]*\)".*/\1/p' "$1" | head -n 1)
    [ -n "$library" ] || return 1
    case "$library" in
    /*) [ -e "$library" ] ;;
    */*) [ -e "$(dirname "$1")/$library" ] ;;
    *) have_library "$library" ;;
    esac
}

driver_found() {
    have_library libvulkan.so.1 || return 1
    icd_files | while read -r file; do
        if works "$file"; then
            echo "$file"
        fi
    done | grep -c . >/dev/null
}

fail() {
    echo "driver: $1" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "no Vulkan driver; as root, run: apt-get update && apt-get install mesa-vulkan-drivers libvulkan1"
    fi
}

install_on_debian() {
    echo "driver: no Vulkan driver found, installing mesa-vulkan-drivers and libvulkan1" >&2
    as_root apt-get update || fail "apt-get update failed: check the network, then run make driver again"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        mesa-vulkan-drivers libvulkan1 ||
        fail "apt-get could not install mesa-vulkan-drivers and libvulkan1: see its message above"
}

linux() {
    if driver_found; then
        return 0
    fi
    if [ -n "${VK_DRIVER_FILES:-${VK_ICD_FILENAMES:-}}" ]; then
        fail "VK_DRIVER_FILES or VK_ICD_FILENAMES names no usable driver: correct or unset it, then run make driver again"
    fi
    if command -v apt-get >/dev/null 2>&1; then
        install_on_debian
        driver_found || fail "the packages are installed but no Vulkan driver is found in /usr/share/vulkan/icd.d"
        return 0
    fi
    hint="install your GPU's Vulkan driver, or Mesa's software driver (lavapipe) and the Vulkan loader"
    if command -v dnf >/dev/null 2>&1; then
        hint="run: sudo dnf install mesa-vulkan-drivers vulkan-loader"
    elif command -v pacman >/dev/null 2>&1; then
        hint="run: sudo pacman -S vulkan-swrast vulkan-icd-loader (or your GPU's driver, such as nvidia-utils)"
    elif command -v zypper >/dev/null 2>&1; then
        hint="run: sudo zypper install libvulkan_lvp libvulkan1"
    elif command -v apk >/dev/null 2>&1; then
        hint="run: sudo apk add mesa-vulkan-swrast vulkan-loader"
    fi
    fail "no Vulkan driver found; $hint"
}

case "$(uname -s)" in
Linux) linux ;;
Darwin) echo "driver: macOS has Metal built in, nothing to install" ;;
MINGW* | MSYS* | CYGWIN*) echo "driver: Windows has DirectX 12 built in, nothing to install" ;;
*) fail "unknown system $(uname -s): install a Vulkan driver and its loader by hand" ;;
esac
