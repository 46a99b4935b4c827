"""Takes debug information and the names of producers out of a WebAssembly file. The C library brings them, and the linker removes them only together
with the names of functions.

    python3 strip_debug.py FILE
"""
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
