#!/usr/bin/env bash
# Compiles every NAME.c here to NAME.wasm.
#
#   python3 -m pip install ziglang==0.17.0     # brings clang, wasm-ld and wasi-libc
#   tests/programs/build.sh [NAME ...]
#
# Beside them: NAME.expected (standard output), and where needed NAME.args and NAME.env (a line each), NAME.stdin,
# NAME.exit (the exit code if it is not 0). Each program sees an empty folder as its current one.
#
# The output is WebAssembly 2.0 without SIMD, with function names for backtraces and without debug information.
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-python3}
features=mvp+bulk_memory+bulk_memory_opt+multivalue+mutable_globals+nontrapping_fptoint+reference_types+sign_ext
names=("$@")
[ ${#names[@]} -gt 0 ] || for source in *.c; do names+=("${source%.c}"); done

for name in "${names[@]}"; do
    echo "$name"
    "$python" -m ziglang cc --target=wasm32-wasi -mcpu=$features -std=gnu17 -O2 -g0 -Wall -o "$name.wasm" "$name.c" -lm
    "$python" ../tools/strip_debug.py "$name.wasm"
    chmod 644 "$name.wasm"
done
