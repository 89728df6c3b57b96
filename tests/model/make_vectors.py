#!/usr/bin/env python3
"""Prints docs/test-vectors.md. Written from the specification alone (hashlib, struct, fractions), so that it is a second
opinion on the C code, which tests/model/test_vectors.c holds against that file."""
import hashlib
import json
import struct
from fractions import Fraction


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def canonical_number(text):
    """The canonical form, or None if the number cannot be kept exactly."""
    exact = Fraction(text)
    if exact.denominator == 1 and -(2**63) <= exact < 2**63:
        return str(exact.numerator)
    try:
        nearest = float(exact)
    except OverflowError:
        return None
    shortest = repr(nearest)
    if Fraction(shortest) != exact:
        return None
    return ecmascript(shortest)


def ecmascript(shortest):
    """Number::toString of ECMA-262, from the digits and exponent of Python's shortest form."""
    sign = "-" if shortest.startswith("-") else ""
    mantissa, _, exponent = shortest.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits, point = whole + fraction, len(whole) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    k, n = len(digits), point
    if k <= n <= 21:
        return sign + digits + "0" * (n - k)
    if 0 < n <= 21:
        return sign + digits[:n] + "." + digits[n:]
    if -6 < n <= 0:
        return sign + "0." + "0" * -n + digits
    e = f"e{'+' if n > 0 else '-'}{abs(n - 1)}"
    return sign + digits[0] + ("." + digits[1:] if k > 1 else "") + e


NUMBERS = """0 -0 0.0 -0.0 0e9 0.000e-999 1 1.0 1e0 10e-1 -1 1.5 -1.5 0.1 0.10 1e-1 0.3 0.95 100 1e2 1E+2 1e21 1e22 1e-6 1e-7
0.000001 0.0000001 0.00000123 123456789.125 9007199254740991 9007199254740992 9007199254740993 -9007199254740993
9223372036854775807 9223372036854775808 9223372036854775809 9223372036854775807.0 9223372036854775807.5 -9223372036854775808
-9223372036854775809 9.223372036854775807e18 92233720368547758070e-1 18446744073709551615 18446744073709551616
1e18 1e19 10000000000000000000 100000000000000000000 1e20 100000000000000000000e1 123e19 1234567890123456789012
1.7976931348623157e308 17976931348623157e292 1.7976931348623158e308 1.7976931348623159e308 1e308 1e309 1e400 -1e400
2.2250738585072014e-308 2.225073858507201e-308 5e-324 4.9e-324 4.94e-324 3e-324 2e-324 1e-323 1.5e-323 1e-400 -1e-400
333333333.33333329 333333333.3333333 4.35 4.350 0.1000000000000000055511151231257827 0.30000000000000004 0.300000000000000040
1e-27 1e23 9.999999999999999e22 1e+23 0.002 2e-3 123456.789e-3 1.23456789012345678 1.2345678901234567 295147905179352830000
9.5367431640625e-7 4.9406564584124654e-324 -0.0000033333333333333333 1424953923781206.2 5.960464477539063e-8
5.9604644775390625e-8 5.684341886080802e-14 7.120236347223045e-307 1e-5 1.0e-05 12e-7 9.5e-1 0.5e1 0.5e0""".split()

# IEEE bits and text of RFC 8785 appendix B, for doubles that are computed; integers of 64 bits as plain digits here.
DOUBLES = [
    "0000000000000000", "8000000000000000", "0000000000000001", "8000000000000001", "7fefffffffffffff", "ffefffffffffffff",
    "4340000000000000", "c340000000000000", "4430000000000000", "44b52d02c7e14af5", "44b52d02c7e14af6", "44b52d02c7e14af7",
    "444b1ae4d6e2ef4e", "444b1ae4d6e2ef4f", "444b1ae4d6e2ef50", "3eb0c6f7a0b5ed8c", "3eb0c6f7a0b5ed8d", "41b3de4355555553",
    "41b3de4355555554", "41b3de4355555555", "41b3de4355555556", "41b3de4355555557", "becbf647612f3696", "43143ff3c1cb0959",
    "3ff0000000000000", "3fe6666666666666", "000fffffffffffff", "0010000000000000", "43e0000000000000", "c3e0000000000000",
    "43dfffffffffffff", "3ff3c0ca428c59fb",
    # powers of two, whose shortest form is not the nearest of that length
    "3e70000000000000", "3d30000000000000", "0060000000000000", "7cf0000000000000"]


def canonical_double(bits):
    value = struct.unpack(">d", bytes.fromhex(bits))[0]
    exact = Fraction(value)
    if exact.denominator == 1 and -(2**63) <= exact < 2**63:
        return str(exact.numerator)
    return ecmascript(repr(value))


def canonical(value):
    """RFC 8785 of a value whose numbers are strings of class Number already in canonical form."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(quote(n) + ":" + canonical(value[n]) for n in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(v) for v in value) + "]"
    if isinstance(value, Number):
        return value.text
    if isinstance(value, str):
        return quote(value)
    return {None: "null", True: "true", False: "false"}[value]


class Number:
    def __init__(self, text):
        self.text = canonical_number(text)


SHORT = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\"}


def quote(text):
    return '"' + "".join(SHORT.get(ord(c)) or (f"\\u{ord(c):04x}" if ord(c) < 32 else c) for c in text) + '"'


def load(text):
    return json.loads(text, parse_int=Number, parse_float=Number)


VALUES = [
    r'{ "b" : [ 1.0 , 2.50 , 1e3 ] , "a" : { } , "" : null }',
    r'"\u20ac\u0024\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/"',
    r'{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",'
    r'"\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}',
    r'{"\uffff":1,"\ud800\udc00":2,"\ue000":3,"\ud7ff":4,"z":5}',
    r'"\u0000\u001f\u007f\u2028\b\f\n\r\t"',
    r'[true,false,null,[],{},"",-0,0.1,9223372036854775807,-9223372036854775808]',
]

# sent, canonical: bodies of assertions. Times and the order of members are the point.
RETRACTIONS = [
    ('{"reason":"wr\\u006fng","concept_path":"source/caniuse","cascade":true,"dry_run":true,"to_seq":1e2,"from_seq":2.0}',
     '{"cascade":true,"concept_path":"source/caniuse","from_seq":2,"reason":"wrong","to_seq":100}'),
    ('{"source":null,"predicate":"p","batch":"000102030405060708090a0b0c0d0e0f","reason":"r","ids":["' + "bb" * 32 + '","' + "aa" * 32 + '"]}',
     '{"batch":"000102030405060708090a0b0c0d0e0f","ids":["' + "bb" * 32 + '","' + "aa" * 32 + '"],"predicate":"p","reason":"r","source":null}'),
]
REINSTATEMENTS = [
    ('{"retraction_id":"' + "cd" * 32 + '", "reason":"\\u00fc"}', '{"reason":"\u00fc","retraction_id":"' + "cd" * 32 + '"}'),
]
BODIES = [
    (r'{"predicate":"supported","concept_path":"web/grid/chrome","value":{"version_added":"57"},"confidence":0.950,'
     r'"source":"source/caniuse"}',
     r'{"concept_path":"web/grid/chrome","confidence":0.95,"predicate":"supported","source":"source/caniuse",'
     r'"value":{"version_added":"57"}}'),
    (r'{"concept_path":"a","predicate":"p","value":null}', r'{"concept_path":"a","predicate":"p","value":null}'),
    (r'{"value":1.0,"valid_to":"2026-02-01T00:00:00+02:00","valid_from":"2026-01-01t00:00:00.500z",'
     r'"observed_at":"2026-01-01T00:00:00.000000Z","predicate":"p","derived_from":["' + "ab" * 32 + '","' + "0f" * 32 +
     r'"],"concept_path":"\u0061/\u00fc"}',
     '{"concept_path":"a/\u00fc","derived_from":["' + "ab" * 32 + '","' + "0f" * 32 +
     r'"],"observed_at":"2026-01-01T00:00:00Z","predicate":"p","valid_from":"2026-01-01T00:00:00.5Z",'
     r'"valid_to":"2026-01-31T22:00:00Z","value":1}'),
]


def item(kind, data):
    return struct.pack(">BH", kind, len(data)) + data


def crc32c(data):
    """Bit by bit, RFC 3720 appendix B.4."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


assert crc32c(b"123456789") == 0xE3069283


class Entry:
    """One entry, from its parts to its record and leaf. `erase` makes it what an erasure leaves of it."""

    def __init__(self, kind, seq, time, server, body, value=None, salt=None, erase=False):
        self.kind, self.seq, self.time, self.server, self.body, self.salt, self.flags = kind, seq, time, server, body, salt, 0
        self.value, self.v, content = value, None, body.encode()
        if value is not None:
            self.v = sha256(salt, value.encode())
            assert body.endswith('"value":' + value + "}")
            content = (body[: -len(value) - 1] + '"' + self.v.hex() + '"}').encode()
        self.d = sha256(content)
        self.id = hashlib.blake2b(b"stemedb-id-1" + bytes([kind]) + self.d + struct.pack(">QQ", seq, time),
                                  digest_size=32).digest()
        self.section_digest = sha256(server)
        self.leaf_data = (b"stemedb-leaf-1" + bytes([kind]) + struct.pack(">QQ", seq, time) + self.id +
                          self.section_digest + self.d)
        self.leaf = sha256(b"\0", self.leaf_data)
        if erase:
            self.flags, self.body = 1, content.decode()
            self.server = item(8, self.section_digest)
        body_bytes = self.body.encode()
        length = 68 + len(self.server) + len(body_bytes)
        record = (b"STMe" + struct.pack(">BBHIQQ", 1, kind, self.flags, length, seq, time) + self.id +
                  struct.pack(">I", len(self.server)) + self.server + body_bytes)
        self.record = record + struct.pack(">I", crc32c(record))


def merkle_root(leaves):
    """RFC 9162 section 2.1.1."""
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\1", merkle_root(leaves[:k]), merkle_root(leaves[k:]))


def split(n):
    """The greatest power of two below n."""
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def inclusion(m, leaves):
    """RFC 9162 section 2.1.3.1; m is the index of the leaf."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return inclusion(m, leaves[:k]) + [merkle_root(leaves[k:])]
    return inclusion(m - k, leaves[k:]) + [merkle_root(leaves[:k])]


def consistency(m, leaves, whole=True):
    """RFC 9162 section 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [merkle_root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return consistency(m, leaves[:k], whole) + [merkle_root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [merkle_root(leaves[:k])]


def entries():
    salt = bytes(range(16))
    batch = bytes(range(0xA0, 0xB0))
    key_hash = hashlib.blake2b(b"retry-1", digest_size=32).digest()
    body1 = BODIES[0][1]
    server1 = (item(1, b"alice") + item(2, batch) + item(3, b"alice\0assert") + item(4, key_hash) +
               item(5, struct.pack(">I", 7)) + item(6, salt))
    e1 = Entry(1, 1, 1764020595123456, server1, body1, '{"version_added":"57"}', salt)
    body2 = '{"concept_path":"a","predicate":"p","value":null}'
    e2 = Entry(1, 2, 1764020595123457, item(6, salt[::-1]), body2, "null", salt[::-1])
    body3 = '{"ids":["' + e1.id.hex() + '"],"reason":"wrong"}'
    e3 = Entry(2, 3, 1764020600000000, b"", body3)
    body4 = '{"reason":"it was right after all","retraction_id":"' + e3.id.hex() + '"}'
    server4 = item(1, b"alice") + item(3, b"alice\0reinstate") + item(4, key_hash)
    e4 = Entry(3, 4, 1764020700000000, server4, body4)
    erased = Entry(1, 1, 1764020595123456, server1, body1, '{"version_added":"57"}', salt, erase=True)
    return e1, e2, e3, e4, erased


def show_entry(e, title):
    print(f"\n### {title}\n\n```entry")
    print(f"kind = {e.kind}\nflags = {e.flags}\nseq = {e.seq}\ntime_us = {e.time}")
    if e.salt and not e.flags:
        print(f"salt = {e.salt.hex()}\nvalue = {e.value}")
    print(f"body = {e.body}")
    if e.v and not e.flags:
        print(f"V = {e.v.hex()}")
    print(f"D = {e.d.hex()}\nid = {e.id.hex()}\nserver = {e.server.hex()}\nserver_digest = {e.section_digest.hex()}")
    print(f"leaf_data = {e.leaf_data.hex()}\nleaf = {e.leaf.hex()}\nrecord = {e.record.hex()}\n```")


def main():
    print("""# Test vectors

What StemeDB stores and hashes stays so for ever. These are fixed examples of it, for anybody who writes a second
implementation, and for us: `tests/model/test_vectors.c` reads this very file and holds the code against it. The values were
computed by `tests/model/make_vectors.py` (Python, `hashlib`, `struct`, `fractions`), which shares no code with StemeDB.
Binary data is written as hex digits. Lines are `name = value`, or `sent -> canonical`.

## Canonical numbers

A number whose exact value is an integer in [-2^63, 2^63-1] is written as plain digits; any other as the shortest form of its
nearest double (ECMA-262, Number::toString), and is refused if that form's decimal value differs from what was sent.

```numbers""")
    for text in NUMBERS:
        print(text, "->", canonical_number(text) or "refused")
    print("""```

Doubles that StemeDB computes itself, by their IEEE 754 bits (most of them from RFC 8785, appendix B):

```doubles""")
    for bits in DOUBLES:
        print(bits, "->", canonical_double(bits))
    print("""```

## Canonical values

RFC 8785: no white space, members sorted by the UTF-16 code units of their names, strings with the fewest escapes.

```values""")
    for text in VALUES:
        print(text, "->", canonical(load(text)))
    print("""```

## Canonical bodies of assertions

Times become UTC with up to 6 fractional digits; what is absent stays absent.

```bodies""")
    for sent, expected in BODIES:
        print(sent, "->", expected)
    print("""```

## Canonical bodies of retractions and reinstatements

The request without `dry_run`; `ids` stay in the order sent.

```retractions""")
    for sent, expected in RETRACTIONS:
        print(sent, "->", expected)
    print("""```

```reinstatements""")
    for sent, expected in REINSTATEMENTS:
        print(sent, "->", expected)
    print("""```

## Entries

`V` = SHA-256(salt || value), `D` = SHA-256(body with `value` replaced by `V` as a JSON string of hex digits),
`id` = BLAKE2b-256("stemedb-id-1" || kind || D || seq || time), `leaf` = SHA-256(0x00 || leaf_data). The layout of `record` and of
`server` is in `src/model/entry.h` and `docs/storage.md`.""")
    e1, e2, e3, e4, erased = entries()
    show_entry(e1, "An assertion with every item of the server section")
    show_entry(e2, "An assertion by nobody in particular")
    show_entry(e3, "A retraction")
    show_entry(e4, "A reinstatement of it")
    show_entry(erased, "The first one after its value was erased")
    print("""
The erased one has the same `D`, `id` and `leaf`.

## Merkle roots

RFC 9162, section 2.1.1: the root over the first n of the leaves of the first three entries above and of SHA-256(0x00 || i) for the
bytes i = 4 to 8.

```roots""")
    leaves = [e1.leaf, e2.leaf, e3.leaf] + [sha256(b"\0", bytes([i])) for i in range(4, 9)]
    for n in range(len(leaves) + 1):
        print(n, "->", merkle_root(leaves[:n]).hex())
    print("""```

## Proofs

RFC 9162, sections 2.1.3 and 2.1.4, over the same leaves, as `/v1/history/proof` answers them. `seq at` -> that entry `seq` is among
the first `at`:

```inclusion""")
    for n in range(1, len(leaves) + 1):
        for seq in range(1, n + 1):
            print(seq, n, "->", *(node.hex() for node in inclusion(seq - 1, leaves[:n])))
    print("""```

`from to` -> that the first `from` are the beginning of the first `to`:

```consistency""")
    for n in range(1, len(leaves) + 1):
        for m in range(1, n + 1):
            print(m, n, "->", *(node.hex() for node in consistency(m, leaves[:n])))
    print("```")


main()
