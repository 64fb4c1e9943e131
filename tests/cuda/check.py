#!/usr/bin/env python3
"""Compiles the kernels of crates/gpu for CUDA, without a GPU: check.py [ARGUMENTS OF CARGO TEST]

The tests of those kernels run on a Vulkan device and leave the CUDA C++ of each, see cubecl-cuda/src/lib.rs. NVRTC, the
compiler in CUDA's toolkit, compiles it to PTX and machine code, with the options that CubeCL gives it but for a folder of
headers, which none of these kernels reads; it comes from PyPI. A line for each; ends with 1 at the first failure.
"""

import ctypes
import os
import pathlib
import shutil
import subprocess
import sys
import time
import venv

NVRTC = "nvidia-cuda-nvrtc-cu12==12.9.86"
HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "target" / "kernels"
KERNELS, VENV = TARGET / "cuda", TARGET / "venv"
# It looks at what a CUDA device says of its memory.
SKIPPED = "copy::memory_of_its_own_is_memory_like_any_other"


def translate(arguments):
    """Runs the tests; they leave sources, or errors."""
    shutil.rmtree(KERNELS, ignore_errors=True)
    KERNELS.mkdir(parents=True)
    command = ["cargo", "test", "--locked", "--test", "operations", "--target-dir", TARGET, *arguments]
    tests = subprocess.run([*command, "--", "--skip", SKIPPED], cwd=HERE, env={**os.environ, "KERNELS": str(KERNELS)})
    for error in sorted(KERNELS.glob("*.error")):
        sys.exit(f"{error.stem}: {error.read_text()}")
    if tests.returncode:
        sys.exit("the tests failed")


def nvrtc():
    """The library, installed at first use."""
    if not VENV.exists():
        venv.create(VENV, with_pip=True)
    subprocess.run([VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", NVRTC], check=True)
    return ctypes.CDLL(str(next(VENV.glob("lib/python*/site-packages/nvidia/cuda_nvrtc/lib/libnvrtc.so.*"))))


def output(library, program, name):
    """What `nvrtcGetNAME` gives."""
    size = ctypes.c_size_t()
    getattr(library, f"nvrtcGet{name}Size")(program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    getattr(library, f"nvrtcGet{name}")(program, buffer)
    return buffer.raw


def compile(library, source):
    architecture = source.suffixes[0][1:]
    suffix = "a" if architecture == "sm_90" else ""
    options = [f"--gpu-architecture={architecture}{suffix}".encode(), b"-lineinfo"]
    program = ctypes.c_void_p()
    library.nvrtcCreateProgram(ctypes.byref(program), source.read_bytes(), None, 0, None, None)
    if library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options)):
        log = output(library, program, "ProgramLog").rstrip(b"\0\n").decode()
        sys.exit(f"{source.name} does not compile\n{log}")
    ptx = output(library, program, "PTX").rstrip(b"\0")
    code = output(library, program, "CUBIN")
    library.nvrtcDestroyProgram(ctypes.byref(program))
    source.with_suffix(".ptx").write_bytes(ptx)
    print(f"{source.stem}: {len(ptx.splitlines())} lines of PTX, {len(code)} bytes of machine code")


def main():
    translate(sys.argv[1:])
    sources = sorted(KERNELS.glob("*.cu"))
    if not sources:
        sys.exit("the tests ran no kernel; they need a Vulkan device")
    library, start = nvrtc(), time.monotonic()
    for source in sources:
        compile(library, source)
    kernels = {source.name.split(".")[0] for source in sources}
    print(f"{len(kernels)} kernels compiled {len(sources)} times in {time.monotonic() - start:.0f} seconds")


if __name__ == "__main__":
    main()
