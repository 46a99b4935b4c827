#!/usr/bin/env bash
# Compiles src/*.c to scheme.wasm, or to the file named.
#
#   python3 -m pip install ziglang==0.17.0     # brings clang, wasm-ld and wasi-libc
#   examples/scheme/build.sh [OUTPUT]
set -euo pipefail
folder=$(cd "$(dirname "$0")" && pwd)
output=$(realpath "${1:-$folder/scheme.wasm}")
python=${PYTHON:-python3}
cd "$folder/src"
features=mvp+bulk_memory+bulk_memory_opt+multivalue+mutable_globals+nontrapping_fptoint+reference_types+sign_ext

# The programs that are built in, for who has opened no folder.
generated=$(mktemp -d)
trap 'rm -r "$generated"' EXIT
for program in ../programs/*.scm; do
    printf '{"%s", (const char[]){\n#embed "%s"\n, 0}},\n' "$(basename "$program")" "$(realpath "$program")"
done > "$generated/programs.inc"

# What generated modules import.
exports=$(sed -n 's/^RUNTIME(.*, \([a-z_]*\))$/-Wl,--export=\1/p' runtime.def)

"$python" -m ziglang cc --target=wasm32-wasi -mcpu=$features -std=gnu23 -O2 -g0 -Wall -Wextra -I "$generated" \
    -Wl,--export-table -Wl,--growable-table -Wl,--export-memory -Wl,-z,stack-size=262144 $exports -o "$output" ./*.c -lm

# The C library brings debug information that the linker removes only together with the names.
"$python" - "$output" <<'PYTHON'
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
chmod 644 "$output"
