"""DNS names and record data: read from a message, and compared with the text that netcap writes for them.

Not a script of its own. A name is compared by its labels and record data by its parts, so that it does not matter
which of the harmless characters the text escapes.
"""

from __future__ import annotations

import ipaddress
import re


class Name(tuple):
    """A domain name as its labels; equal to any way to write it."""

    def __repr__(self) -> str:
        return ".".join(label.decode("latin-1") for label in self) or "."

    def written(self) -> str:
        def escape(byte: int) -> str:
            if byte in b'.\\"();@$':
                return "\\" + chr(byte)
            return chr(byte) if 33 <= byte <= 126 else f"\\{byte:03d}"

        return ".".join("".join(map(escape, label)) for label in self) or "."


class Data:
    """Record data as a list of names, texts and numbers, or as bytes for a type without a form of its own."""

    def __init__(self, parts: list | None, raw: bytes, certain: bool) -> None:
        self.parts, self.raw, self.certain = parts, raw, certain

    def __repr__(self) -> str:
        return self.written()

    def written(self) -> str:
        if self.parts is None:
            return f"\\# {len(self.raw)}" + (" " + self.raw.hex() if self.raw else "")
        return " ".join(
            part.written() if isinstance(part, Name) else quote(part) if isinstance(part, bytes) else str(part)
            for part in self.parts
        )

    def same(self, ours: str) -> bool:
        if ours.startswith("\\#"):
            words = ours.split()
            generic = words[1:2] == [str(len(self.raw))] and "".join(words[2:]).lower() == self.raw.hex()
            return generic and (self.parts is None or not self.certain)
        if self.parts is None:
            return not self.certain
        words = split_words(ours)
        if self.parts and isinstance(self.parts[-1], Name) and len(words) > len(self.parts):
            # A name may have blanks in it, which need no escape where nothing follows.
            words[len(self.parts) - 1 :] = [ours.split(None, len(self.parts) - 1)[-1]]
        if len(words) != len(self.parts):
            return False
        return all(
            labels_of(word) == tuple(part)
            if isinstance(part, Name)
            else unescape(word) == part
            if isinstance(part, bytes)
            else word == str(part)
            for word, part in zip(words, self.parts)
        )


def quote(value: bytes) -> str:
    return (
        '"' + "".join("\\" + chr(c) if c in b'"\\' else chr(c) if 32 <= c <= 126 else f"\\{c:03d}" for c in value) + '"'
    )


def split_words(written: str) -> list[str]:
    """Splits at blanks, but not inside quotes; the quotes are taken off."""
    return [
        a if b == "" else b
        for a, b in ((m[1] or "", m[2] or "") for m in re.finditer(r'"((?:[^"\\]|\\.)*)"|(\S+)', written, re.S))
    ]


def unescape(written: str) -> bytes:
    data = written.encode("utf-8", "surrogateescape")
    return re.sub(rb"\\(\d{3}|.)", lambda m: bytes([int(m[1])]) if len(m[1]) == 3 else m[1], data, flags=re.S)


def labels_of(written: str) -> tuple[bytes, ...]:
    if written in (".", ""):
        return ()
    return tuple(unescape(label) for label in re.findall(r"((?:[^.\\]|\\.)+)", written, re.S))


def read_name(message: bytes, at: int) -> tuple[Name, int]:
    """A name in a message, following compression, and where it ends."""
    labels, end = [], None
    for _ in range(300):
        length = message[at]
        if length >= 0xC0:
            end = at + 2 if end is None else end
            at = (length & 0x3F) << 8 | message[at + 1]
        elif length > 63:
            raise ValueError("a label type that nobody uses")
        elif length == 0:
            return Name(labels), at + 1 if end is None else end
        else:
            if at + 1 + length > len(message):
                raise IndexError
            labels.append(message[at + 1 : at + 1 + length])
            at += 1 + length
    raise ValueError("compression that goes in circles")


def read_data(message: bytes, at: int, length: int, kind: int) -> Data:
    raw = message[at : at + length]
    end = at + length

    def integer(start: int, size: int) -> int:
        return int.from_bytes(message[start : start + size], "big")

    def names(start: int, count: int) -> list:
        found = []
        for _ in range(count):
            name, start = read_name(message, start)
            found.append(name)
        if start > end:
            raise ValueError("a name goes beyond the data")
        return [*found, start]

    def texts(start: int) -> list:
        found = []
        while start < end:
            size = message[start]
            if start + 1 + size > end:
                raise ValueError("a text goes beyond the data")
            found.append(message[start + 1 : start + 1 + size])
            start += 1 + size
        return found

    try:
        if kind == 1 and length == 4:
            return Data([str(ipaddress.IPv4Address(raw)).encode()], raw, True)
        if kind == 28 and length == 16:
            return Data([str(ipaddress.IPv6Address(raw)).encode()], raw, True)
        if kind in (2, 3, 4, 5, 7, 8, 9, 12, 39):
            return Data(names(at, 1)[:1], raw, kind in (2, 5, 12, 39))
        if kind == 6:
            mname, rname, rest = names(at, 2)
            return Data([mname, rname, *(integer(rest + 4 * i, 4) for i in range(5))], raw, True)
        if kind in (15, 18, 36, 21) and length > 2:
            return Data([integer(at, 2), names(at + 2, 1)[0]], raw, kind == 15)
        if kind == 33 and length > 6:
            return Data([integer(at, 2), integer(at + 2, 2), integer(at + 4, 2), names(at + 6, 1)[0]], raw, True)
        if kind in (16, 99):
            return Data(texts(at), raw, kind == 16)
        if kind == 13:
            return Data(texts(at), raw, False)
        if kind == 257:
            size = message[at + 1]
            return Data([raw[0], raw[2 : 2 + size], raw[2 + size :]], raw, False)
        if kind == 43:
            return Data([integer(at, 2), raw[2], raw[3], raw[4:].hex().upper().encode()], raw, False)
    except (IndexError, ValueError):
        return Data(None, raw, False)
    return Data(None, raw, False)
