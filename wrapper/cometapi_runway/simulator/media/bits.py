"""Bit strings as H.264 writes them: fixed-length and Exp-Golomb numbers."""

from __future__ import annotations

import re
from functools import cache

from attrs import define, field

_NEEDS_ESCAPE = re.compile(rb"\0\0(?=[\0-\3])")


@cache
def ue(value: int) -> str:
    """Returns an unsigned Exp-Golomb code (ITU-T H.264, 9.1)."""
    binary = f"{value + 1:b}"
    return "0" * (len(binary) - 1) + binary


def se(value: int) -> str:
    """Returns a signed Exp-Golomb code (ITU-T H.264, 9.1.1)."""
    return ue(2 * value - 1 if value > 0 else -2 * value)


def u(value: int, width: int) -> str:
    """Returns an unsigned number of ``width`` bits, highest bit first."""
    return f"{value:0{width}b}"


def to_bytes(bits: str) -> bytes:
    """Packs bits into bytes, the last one filled up with zeroes."""
    missing = -len(bits) % 8
    return int("0" + bits, 2).__lshift__(missing).to_bytes((len(bits) + missing) // 8, "big")


@define
class BitWriter:
    """Collects bits, with whole bytes in between."""

    _done: list[bytes] = field(factory=list[bytes])
    _open: list[str] = field(factory=list[str])

    def write(self, bits: str) -> None:
        """Appends bits, given as a string of ``0`` and ``1``."""
        self._open.append(bits)

    def write_aligned(self, data: bytes) -> None:
        """Appends whole bytes, after zero bits up to the next byte boundary."""
        self._done += (to_bytes("".join(self._open)), data)
        self._open.clear()

    def finish(self) -> bytes:
        """Returns everything, closed by the stop bit of a raw byte sequence payload."""
        return b"".join((*self._done, to_bytes("".join(self._open) + "1")))


def nal_unit(kind: int, importance: int, payload: bytes) -> bytes:
    """Wraps a payload as a NAL unit.

    A start code inside the payload would be taken for the end of the unit, so an escape byte is
    put into every run that looks like one.

    Args:
        kind: ``nal_unit_type``.
        importance: ``nal_ref_idc``, 0 to 3.
        payload: The raw byte sequence payload.
    """
    return bytes([importance << 5 | kind]) + _NEEDS_ESCAPE.sub(b"\0\0\3", payload)
