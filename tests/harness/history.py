"""The digests of a history, recomputed from the feed of /v1/assertions by nothing but this file and Python's hashlib: docs/test-vectors.md
tells how. An answer of the node that agrees with it was not computed by the code under test."""
import calendar
import hashlib
import json
import re


def micros(timestamp):
    """Microseconds since 1970 of an RFC 3339 time in UTC."""
    y, mo, d, h, mi, s, us = map(int, re.fullmatch(r"(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d{6})Z", timestamp).groups())
    return calendar.timegm((y, mo, d, h, mi, s)) * 1000000 + us


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u64(n):
    return n.to_bytes(8, "big")


# Items of the server section, in order of type: number, member of the feed, its bytes.
ITEMS = [(1, "recorded_by", lambda v: v.encode()), (2, "batch", bytes.fromhex), (3, "key_scope", lambda v: v.encode()),
         (4, "key_hash", bytes.fromhex), (5, "index", lambda v: v.to_bytes(4, "big")), (6, "salt", bytes.fromhex)]
SERVER_MEMBERS = {"kind", "seq", "id", "timestamp"} | {name for _, name, _ in ITEMS}


def server_section(entry):
    section = b""
    for number, name, encode in ITEMS:
        if name in entry:
            data = encode(entry[name])
            section += bytes([number]) + len(data).to_bytes(2, "big") + data
    return section


def canonical(value):
    """RFC 8785 for what the tests store: ASCII member names, integers, short decimals, strings."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def digests(entry):
    """(id in hex, leaf hash) of an assertion of the feed."""
    body = {name: value for name, value in entry.items() if name not in SERVER_MEMBERS}
    body["value"] = sha256(bytes.fromhex(entry["salt"]), canonical(body["value"])).hex()
    content = sha256(canonical(body))
    kind, seq, time = bytes([1]), u64(entry["seq"]), u64(micros(entry["timestamp"]))
    ident = hashlib.blake2b(b"stemedb-id-1" + kind + content + seq + time, digest_size=32).digest()
    leaf = sha256(b"\0stemedb-leaf-1", kind, seq, time, ident, sha256(server_section(entry)), content)
    return ident.hex(), leaf


def root(leaves):
    """RFC 9162 section 2.1.1, with a stack of complete subtrees."""
    stack = []
    for leaf in leaves:
        stack.append((1, leaf))
        while len(stack) > 1 and stack[-1][0] == stack[-2][0]:
            size, right = stack.pop()
            stack[-1] = (2 * size, sha256(b"\1", stack[-1][1], right))
    while len(stack) > 1:
        _, right = stack.pop()
        size, left = stack.pop()
        stack.append((size, sha256(b"\1", left, right)))
    return (stack[0][1] if stack else sha256()).hex()


def includes(proof, seq, leaf, size, root_hash):
    """Whether the proof shows that `leaf` is entry `seq` of the tree of this size and root: RFC 9162 section 2.1.3.2."""
    fn, sn, r = seq - 1, size - 1, leaf
    for node in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = sha256(b"\1", node, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\1", r, node)
        fn, sn = fn >> 1, sn >> 1
    return 1 <= seq <= size and sn == 0 and r == root_hash


def is_prefix(proof, size, size_root, other, other_root):
    """Whether the proof shows that the tree of `size` is the beginning of that of `other`: RFC 9162 section 2.1.4.2."""
    if size == other:
        return not proof and size_root == other_root
    nodes = list(proof) if size & (size - 1) else [size_root, *proof]
    fn, sn = size - 1, other - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = nodes[0]
    for node in nodes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = sha256(b"\1", node, fr), sha256(b"\1", node, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = sha256(b"\1", sr, node)
        fn, sn = fn >> 1, sn >> 1
    return 1 <= size <= other and sn == 0 and fr == size_root and sr == other_root
