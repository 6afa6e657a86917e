"""Compiles every HLSL text of a folder with Microsoft's DXC, as wgpu calls it; exit 1 where one is refused.

    python tests/dxc/compile.py FOLDER LIBRARY [--processes N]

A text is `cs_6_0-NUMBER.hlsl`, named after its profile, and says in its first line where it comes from. The library is
libdxcompiler; `scripts/dxc.sh` gets it, `make hlsl` runs all.
"""

import argparse
import ctypes
import sys
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from ctypes import POINTER, byref, c_char_p, c_int32, c_size_t, c_uint32, c_void_p, c_wchar_p
from pathlib import Path

# What wgpu's DX12 backend gives it besides entry point and profile: the language of 2018, strict.
ARGUMENTS = ["-HV", "2018", "-no-warnings", "-Ges"]
UTF8 = 65001
DXBC = b"DXBC"  # How a container starts, also one of DXIL.
# Said of every text where DXC comes without the library that signs.
UNSIGNED = "warning: DXIL signing library"


def guid(text):
    return (ctypes.c_ubyte * 16).from_buffer_copy(uuid.UUID(text).bytes_le)


COMPILER = guid("73e22d93-e6ce-47f3-b5bf-f0664f39c1b0")  # CLSID_DxcCompiler
COMPILER3 = guid("228b4687-5a6a-4730-900c-9702b2203f54")  # IDxcCompiler3
RESULT = guid("58346cda-dde7-4497-9461-6f87af5e0659")  # IDxcResult


class Source(ctypes.Structure):
    """DxcBuffer."""

    _fields_ = [("start", c_char_p), ("size", c_size_t), ("encoding", c_uint32)]


def call(this, slot, *arguments, returns=c_int32):
    """The method at this place of an object's table; the first three are IUnknown's."""
    table = ctypes.cast(this, POINTER(POINTER(c_void_p)))[0]
    types = [c_void_p, *(type(argument) if isinstance(argument, ctypes._SimpleCData) else c_void_p for argument in arguments)]
    return ctypes.CFUNCTYPE(returns, *types)(table[slot])(this, *arguments)


def release(this):
    call(this, 2, returns=c_uint32)


def blob(result, slot):
    """Bytes of the blob that a result's method gives, if any."""
    found = c_void_p()
    if call(result, slot, byref(found)) != 0 or not found:
        return b""
    size = call(found, 4, returns=c_size_t)
    content = ctypes.string_at(call(found, 3, returns=c_void_p), size) if size else b""
    release(found)
    return content


class Compiler:
    """IDxcCompiler3."""

    def __init__(self, library):
        self.this = c_void_p()
        status = ctypes.CDLL(library).DxcCreateInstance(byref(COMPILER), byref(COMPILER3), byref(self.this))
        if status != 0:
            raise RuntimeError(f"{library}: no compiler: {status & 0xFFFFFFFF:#x}")

    def compile(self, text, profile):
        """What it says of a text that it refuses; nothing where it gives a container."""
        words = ["-E", "main", "-T", profile, *ARGUMENTS]
        arguments = (c_wchar_p * len(words))(*words)
        source, result = Source(text, len(text), UTF8), c_void_p()
        given = [byref(source), arguments, c_uint32(len(words)), None, byref(RESULT), byref(result)]
        status = call(self.this, 3, *given)
        if status != 0:
            return f"Compile: {status & 0xFFFFFFFF:#x}"
        outcome = c_int32()
        call(result, 3, byref(outcome))
        # An error without a failed status is one to wgpu too.
        container, says = blob(result, 4), blob(result, 5).rstrip(b"\0").decode(errors="replace")
        says = "\n".join(line for line in says.splitlines() if line and not line.startswith(UNSIGNED))
        release(result)
        if outcome.value == 0 and not says and container.startswith(DXBC):
            return ""
        return says or f"status {outcome.value & 0xFFFFFFFF:#x}, {len(container)} bytes"


compiler = None


def begin(library):
    global compiler
    compiler = Compiler(library)


def compile_file(path):
    return path, compiler.compile(path.read_bytes(), path.name.split("-")[0])


def try_compiler():
    """It takes what is right and refuses what is wrong."""
    right = b"RWByteAddressBuffer y : register(u0); [numthreads(1, 1, 1)] void main() { y.Store(0, 1u); }"
    if says := compiler.compile(right, "cs_6_0"):
        raise RuntimeError(f"a text that is right is refused: {says}")
    if not compiler.compile(right.replace(b"1u", b"z"), "cs_6_0"):
        raise RuntimeError("an undeclared name is not seen")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("library")
    parser.add_argument("--processes", type=int)
    options = parser.parse_args()
    begin(options.library)
    try_compiler()
    files = sorted(options.folder.glob("*.hlsl"))
    started, refused, profiles, kernels = time.monotonic(), 0, {}, set()
    with ProcessPoolExecutor(options.processes, initializer=begin, initargs=[options.library]) as pool:
        for number, (path, says) in enumerate(pool.map(compile_file, files, chunksize=8), 1):
            label = path.open().readline().removeprefix("// ").strip()
            profile = path.name.split("-")[0]
            profiles[profile] = profiles.get(profile, 0) + 1
            kernels.add(label.split()[0])
            if says:
                refused += 1
                print(f"{profile}: {label}\n{says}", flush=True)
            if number % 500 == 0:
                print(f"{number} of {len(files)}, {refused} refused", file=sys.stderr, flush=True)
    counts = ", ".join(f"{count} for {profile}" for profile, count in sorted(profiles.items()))
    minutes = (time.monotonic() - started) / 60
    print(f"DXC: {len(files)} different HLSL texts of {len(kernels)} kernels ({counts}): {refused} refused; {minutes:.1f} min")
    sys.exit(1 if refused or not files else 0)


if __name__ == "__main__":
    main()
