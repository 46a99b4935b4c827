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

"$python" "$folder/../../tests/tools/strip_debug.py" "$output"
chmod 644 "$output"
