#!/bin/sh
# Compiles the HLSL of every shader with Microsoft's DXC, where it can be had (Linux on x86-64), else with glslang's front end:
# scripts/hlsl.sh CARGO test --release --test host
set -eu

here=$(dirname "$0")
if "$here/dxc.sh"; then
    texts=$(mktemp -d)
    trap 'rm -rf "$texts"' EXIT
    WGRAD_HLSL=$texts "$@" hlsl_is_written -- --ignored
    "$here/dxc.sh" "$texts"
else
    echo "hlsl: no DXC, glslang takes its place" >&2
    sh "$here/tools.sh" hlsl
    "$@" hlsl_compiles -- --ignored --nocapture
fi
