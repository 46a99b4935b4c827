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

# The C library brings debug information that the linker removes only together with the names.
strip_debug() {
    "$python" - "$1" <<'PYTHON'
import sys
data = open(sys.argv[1], "rb").read()
def number(at):
    value = shift = 0
    while True:
        byte = data[at]; at += 1
        value |= (byte & 127) << shift; shift += 7
        if byte < 128: return value, at
kept, at = data[:8], 8
while at < len(data):
    size, start = number(at + 1)
    length, name = number(start)
    is_debug = data[at] == 0 and data[name:name + length].startswith((b".debug", b"producers"))
    if not is_debug: kept += data[at:start + size]
    at = start + size
open(sys.argv[1], "wb").write(kept)
PYTHON
}

for name in "${names[@]}"; do
    echo "$name"
    "$python" -m ziglang cc --target=wasm32-wasi -mcpu=$features -std=gnu17 -O2 -g0 -Wall -o "$name.wasm" "$name.c" -lm
    strip_debug "$name.wasm"
    chmod 644 "$name.wasm"
done
