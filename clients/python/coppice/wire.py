"""The wire: terms, signals and the handshake, to bytes and back. Nothing here does any I/O."""

from __future__ import annotations

import array
import hashlib
import hmac
import io
import math
import struct
import sys
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import cbor2

#: JavaScript's `undefined`, which is not its `null`; `None` stands for `null`.
UNDEFINED = cbor2.undefined

MAX_DEPTH = 64
MAX_ITEMS = 100_000
MAX_BIGINT_BYTES = 128
SAFE = 2**53 - 1

TAG_PID, TAG_REF, TAG_NAME = 40900, 40901, 40902
#: The tags of typed arrays: type code of Python's `array`, and whether the bytes are little-endian.
TYPED = {
    64: ("B", True), 68: ("B", True), 72: ("b", True),
    69: ("H", True), 70: ("I", True), 71: ("Q", True),
    77: ("h", True), 78: ("i", True), 79: ("q", True), 85: ("f", True), 86: ("d", True),
    65: ("H", False), 66: ("I", False), 67: ("Q", False),
    73: ("h", False), 74: ("i", False), 75: ("q", False), 81: ("f", False), 82: ("d", False),
}  # fmt: skip
TYPED_BY_CODE = {"H": 69, "I": 70, "Q": 71, "b": 72, "h": 77, "i": 78, "q": 79, "f": 85, "d": 86}


class Malformed(Exception):
    """Bytes that are not what the protocol allows."""


class Unsendable(Exception):
    """A value that cannot be sent."""


@dataclass(frozen=True)
class Life:
    """One life of a node."""

    name: str
    incarnation: int


@dataclass(frozen=True)
class Pid:
    """The identity of a process."""

    node: str
    incarnation: int
    serial: int

    def __str__(self) -> str:
        return f"<{self.node}.{self.serial}>"


@dataclass(frozen=True)
class Ref:
    """A reference: who made it, and its number."""

    owner: Pid
    serial: int


@dataclass(frozen=True)
class Name:
    """A name, at a node if that is said."""

    name: str
    node: str | None = None


class RemoteError(Exception):
    """An error that happened on another node."""

    def __init__(
        self,
        name: str,
        message: str,
        code: str = "REMOTE_ERROR",
        stack: str | None = None,
        cause: Any = None,
    ) -> None:
        super().__init__(message)
        self.name, self.message, self.code, self.stack, self.cause = name, message, code, stack, cause

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


# --- terms ---------------------------------------------------------------------------------------


class TermCodec:
    """Terms between two nodes."""

    def __init__(self, home: Life, peer: Life) -> None:
        self.home, self.peer = home, peer

    def encode(self, term: Any) -> bytes:
        """:raises Unsendable: it holds what cannot be sent"""
        return cbor2.dumps(self._plain(term, 0))

    def decode(self, data: bytes) -> Any:
        """:raises Malformed: it is not exactly one term"""
        scan(data)
        decoder = cbor2.CBORDecoder(io.BytesIO(data), tag_hook=self._tagged)
        try:
            return decoder.decode()
        except Malformed:
            raise
        except Exception as error:
            raise Malformed(str(error)) from error

    def _plain(self, term: Any, depth: int) -> Any:
        if term is None or term is UNDEFINED or isinstance(term, (bool, bytes)):
            return term
        if isinstance(term, int):
            if -SAFE <= term <= SAFE:
                return int(term)
            magnitude = -1 - term if term < 0 else term
            length = (magnitude.bit_length() + 7) // 8
            if length > MAX_BIGINT_BYTES:
                raise Unsendable("an integer of more than 1024 bits")
            return cbor2.CBORTag(3 if term < 0 else 2, magnitude.to_bytes(length, "big"))
        if isinstance(term, float):
            # The peer has one type for both, and reads a whole float as an integer.
            return term
        if isinstance(term, str):
            try:
                term.encode()
            except UnicodeEncodeError as error:
                raise Unsendable("a text with half a surrogate pair") from error
            return str(term)
        if isinstance(term, (bytearray, memoryview)):
            return bytes(term)
        if isinstance(term, Pid):
            return cbor2.CBORTag(TAG_PID, self._pid_form(term))
        if isinstance(term, Ref):
            return cbor2.CBORTag(TAG_REF, [self._pid_form(term.owner), term.serial])
        if isinstance(term, Name):
            return cbor2.CBORTag(TAG_NAME, term.name if term.node is None else [term.node, term.name])
        if isinstance(term, datetime):
            seconds = term.timestamp()
            return cbor2.CBORTag(1, int(seconds) if seconds.is_integer() else seconds)
        if isinstance(term, array.array):
            return self._typed(term)
        if depth >= MAX_DEPTH:
            raise Unsendable("nested too deeply")
        if isinstance(term, BaseException):
            return self._error(term, depth)
        if isinstance(term, (list, tuple)):
            return [self._plain(part, depth + 1) for part in term]
        if isinstance(term, (set, frozenset)):
            return cbor2.CBORTag(258, [self._plain(part, depth + 1) for part in term])
        if isinstance(term, dict):
            if all(isinstance(key, str) for key in term):
                if "__proto__" in term:
                    raise Unsendable('the key "__proto__"')
                return {self._plain(key, 0): self._plain(part, depth + 1) for key, part in term.items()}
            pairs = [(self._plain(key, depth + 1), self._plain(part, depth + 1)) for key, part in term.items()]
            return cbor2.CBORTag(259, dict(pairs))
        raise Unsendable(f"a {type(term).__name__}")

    def _error(self, error: BaseException, depth: int) -> Any:
        if not isinstance(error, RemoteError):
            return cbor2.CBORTag(27, [type(error).__name__, str(error), {}])
        details: dict[str, Any] = {"code": error.code}
        if error.stack is not None:
            details["stack"] = error.stack
        if error.cause is not None:
            details["cause"] = self._plain(error.cause, depth + 1)
        return cbor2.CBORTag(27, [error.name, error.message, details])

    @staticmethod
    def _typed(term: array.array) -> Any:
        if term.typecode == "B":
            return term.tobytes()
        if term.typecode not in TYPED_BY_CODE:
            raise Unsendable(f"an array of type {term.typecode}")
        if sys.byteorder == "big":
            term = array.array(term.typecode, term)
            term.byteswap()
        return cbor2.CBORTag(TYPED_BY_CODE[term.typecode], term.tobytes())

    def _pid_form(self, pid: Pid) -> Any:
        life = Life(pid.node, pid.incarnation)
        if life == self.home:
            return pid.serial
        if life == self.peer:
            return [pid.serial]
        return [pid.node, pid.incarnation, pid.serial]

    def _pid(self, form: Any) -> Pid:
        if is_number(form):
            return Pid(self.peer.name, self.peer.incarnation, form)
        if isinstance(form, (list, tuple)):
            if len(form) == 1 and is_number(form[0]):
                return Pid(self.home.name, self.home.incarnation, form[0])
            if len(form) == 3 and isinstance(form[0], str) and is_number(form[1]) and is_number(form[2]):
                return Pid(*form)
        raise Malformed("a pid of no known form")

    def _tagged(self, _decoder: Any, tag: cbor2.CBORTag) -> Any:
        value = tag.value
        if tag.tag == TAG_PID:
            return self._pid(value)
        if tag.tag == TAG_REF:
            if not (isinstance(value, (list, tuple)) and len(value) == 2 and is_number(value[1])):
                raise Malformed("a reference of no known form")
            return Ref(self._pid(value[0]), value[1])
        if tag.tag == TAG_NAME:
            if isinstance(value, str):
                return Name(value)
            if isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(x, str) for x in value):
                return Name(value[1], value[0])
            raise Malformed("a name of no known form")
        if tag.tag == 259 and isinstance(value, dict):
            return value
        if tag.tag == 27:
            return self._remote_error(value)
        if tag.tag in TYPED and isinstance(value, bytes):
            return typed_array(tag.tag, value)
        raise Malformed(f"tag {tag.tag} over what it is not for")

    @staticmethod
    def _remote_error(value: Any) -> RemoteError:
        if not (isinstance(value, (list, tuple)) and len(value) == 3):
            raise Malformed("an error of no known form")
        name, message, details = value
        if not (isinstance(name, str) and isinstance(message, str) and hasattr(details, "items")):
            raise Malformed("an error of no known form")
        if any(key not in ("code", "stack", "cause") for key in details):
            raise Malformed("a detail that no error has")
        return RemoteError(name, message, **details)


def typed_array(tag: int, data: bytes) -> Any:
    code, little = TYPED[tag]
    if tag == 64:
        return data
    values = array.array(code)
    if len(data) % values.itemsize != 0:
        raise Malformed("a typed array of a broken length")
    values.frombytes(data)
    if little != (sys.byteorder == "little"):
        values.byteswap()
    return values


def is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= SAFE


ALLOWED_TAGS = {1, 2, 3, 27, 258, 259, TAG_PID, TAG_REF, TAG_NAME, *TYPED}


def scan(data: bytes) -> None:
    """Refuses what the wire does not have, before a decoder that knows more looks at it."""
    view = memoryview(data)
    end = _scan(view, 0, 0, [MAX_ITEMS])
    if end != len(data):
        raise Malformed("bytes behind the end")


def _head(view: memoryview, at: int) -> tuple[int, int, int, int]:
    """The major type, the short argument, the argument, and where it goes on."""
    if at >= len(view):
        raise Malformed("the bytes end too early")
    major, short = view[at] >> 5, view[at] & 31
    if short < 24:
        return major, short, short, at + 1
    width = {24: 1, 25: 2, 26: 4, 27: 8}.get(short)
    if width is None:
        raise Malformed("an indefinite or reserved length")
    if at + 1 + width > len(view):
        raise Malformed("the bytes end too early")
    return major, short, int.from_bytes(view[at + 1 : at + 1 + width], "big"), at + 1 + width


def _scan(view: memoryview, at: int, depth: int, budget: list[int]) -> int:
    budget[0] -= 1
    if budget[0] < 0:
        raise Malformed("too many items")
    major, short, argument, after = _head(view, at)
    if major <= 1:
        return after
    if major <= 3:
        if argument > len(view) - after:
            raise Malformed("a length beyond the end")
        if major == 3:
            try:
                str(view[after : after + argument], "utf-8")
            except UnicodeDecodeError as error:
                raise Malformed("text that is no UTF-8") from error
        return after + argument
    if major == 6:
        return _scan_tagged(view, argument, after, depth, budget)
    if major == 7:
        if short in (20, 21, 22, 23, 25, 26, 27):
            return after
        raise Malformed("a simple value without a meaning")
    return _scan_container(view, major, argument, after, depth, budget, text_keys=True)


def _scan_tagged(view: memoryview, tag: int, at: int, depth: int, budget: list[int]) -> int:
    if tag not in ALLOWED_TAGS:
        raise Malformed(f"tag {tag}, which is not allowed")
    major, short, argument, after = _head(view, at)
    if tag in (2, 3) and (major != 2 or argument > MAX_BIGINT_BYTES):
        raise Malformed("an integer of more than 1024 bits")
    if tag == 1 and not (major <= 1 or (major == 7 and short >= 25)):
        raise Malformed("a time that is none")
    if tag in TYPED and major != 2:
        raise Malformed("a typed array without bytes")
    if tag in (27, 258) and major != 4:
        raise Malformed("no array under a tag of one")
    if tag == 259:
        if major != 5:
            raise Malformed("no map under the tag of a map")
        return _scan_container(view, major, argument, after, depth, budget, text_keys=False)
    if tag == 258:
        return _scan_container(view, major, argument, after, depth, budget, text_keys=False, unique=True)
    if tag in (TAG_PID, TAG_REF, TAG_NAME) and major not in (0, 3, 4):
        raise Malformed("an identity of no known form")
    return _scan(view, at, depth, budget)


def _scan_container(
    view: memoryview,
    major: int,
    count: int,
    at: int,
    depth: int,
    budget: list[int],
    *,
    text_keys: bool,
    unique: bool = False,
) -> int:
    if count * (2 if major == 5 else 1) > len(view) - at:
        raise Malformed("a count beyond the end")
    if depth >= MAX_DEPTH:
        raise Malformed("nested too deeply")
    seen: set[bytes] = set()
    for _ in range(count):
        start = at
        if major == 5 and text_keys and (at >= len(view) or view[at] >> 5 != 3):
            raise Malformed("a key that is no text")
        at = _scan(view, at, depth + 1, budget)
        if major == 5 or unique:
            key = bytes(view[start:at])
            if key in seen:
                raise Malformed("something that is there twice")
            seen.add(key)
            if text_keys and key.endswith(b"__proto__") and len(key) in (10, 11):
                raise Malformed('the key "__proto__"')
        if major == 5:
            at = _scan(view, at, depth + 1, budget)
    return at


# --- frames --------------------------------------------------------------------------------------

SEND, SEND_NAME, SEND_ALIAS, LINK, UNLINK, UNLINK_ACK, LINK_EXIT, EXIT = range(1, 9)
MONITOR, DEMONITOR, DOWN, SPAWN, SPAWN_REPLY, REFUSE = range(9, 15)
PING, PONG, CREDIT, GOAWAY, FRAG = range(16, 21)

#: What stands in each signal behind its op: number, text, bytes, a target, a pid or null, a boolean, a map.
SHAPES = {
    SEND: "nnb", SEND_NAME: "tnb", SEND_ALIAS: "nnb", LINK: "nn", UNLINK: "nnn", UNLINK_ACK: "nnn",
    LINK_EXIT: "nnb", EXIT: "nnb", MONITOR: "nna", DEMONITOR: "n", DOWN: "nnab", SPAWN: "nntbm",
    SPAWN_REPLY: "nnpb", REFUSE: "nnb", PING: "n", PONG: "n", CREDIT: "nn", GOAWAY: "nt", FRAG: "nob",
}  # fmt: skip

START_OPTIONS = {
    "link": lambda x: isinstance(x, bool),
    "monitor": is_number,
    "startTimeoutMs": is_number,
    "label": lambda x: isinstance(x, str) and len(x.encode()) <= 255,
    "unwindMs": lambda x: x is None or is_number(x),
}

FITS = {
    "n": is_number,
    "t": lambda x: isinstance(x, str) and len(x.encode()) <= 255,
    "b": lambda x: isinstance(x, bytes),
    "a": lambda x: is_number(x) or (isinstance(x, str) and len(x.encode()) <= 255),
    "p": lambda x: x is None or is_number(x),
    "o": lambda x: isinstance(x, bool),
    "m": lambda x: isinstance(x, dict)
    and all(key in START_OPTIONS and START_OPTIONS[key](x[key]) for key in x),
}


def is_counted(op: int) -> bool:
    """Does it count against the credit?"""
    return not PING <= op <= GOAWAY


def encode_signal(signal: list[Any]) -> bytes:
    return cbor2.dumps(signal)


def encode_frame(seq: int, ack: int, signals: list[bytes]) -> bytes:
    head = b"\x83" + cbor2.dumps(seq) + cbor2.dumps(ack) + b"\x99" + struct.pack(">H", len(signals))
    return head + b"".join(signals)


def parse_frame(data: bytes) -> tuple[int, int, list[tuple[list[Any], int]]]:
    """`seq`, `ack`, and each signal that is known, with the bytes it takes.

    :raises Malformed:
    """
    view = memoryview(data)
    major, _, count, at = _head(view, 0)
    if (major, count) != (4, 3):
        raise Malformed("no frame")
    numbers = []
    for _ in range(2):
        major, _, number, at = _head(view, at)
        if major != 0 or number > SAFE:
            raise Malformed("no number of a frame")
        numbers.append(number)
    major, _, count, at = _head(view, at)
    if major != 4 or count > 0xFFFF or count > len(view) - at:
        raise Malformed("no list of signals")
    signals = []
    for _ in range(count):
        end = _scan(view, at, 0, [MAX_ITEMS])
        signal = parse_signal(bytes(view[at:end]))
        if signal is not None:
            signals.append((signal, end - at))
        at = end
    if at != len(view):
        raise Malformed("bytes behind the frame")
    return numbers[0], numbers[1], signals


def parse_signal(data: bytes) -> list[Any] | None:
    """One signal; `None` for one that may be ignored."""
    scan(data)
    signal = cbor2.loads(data)
    if not isinstance(signal, list) or not signal or not is_number(signal[0]):
        raise Malformed("no signal")
    shape = SHAPES.get(signal[0])
    if shape is None:
        if signal[0] < 64:
            raise Malformed(f"the unknown op {signal[0]}")
        return None
    parts = signal[1:]
    if len(parts) != len(shape) or not all(FITS[kind](part) for kind, part in zip(shape, parts)):
        raise Malformed(f"a signal {signal[0]} of a wrong shape")
    return signal


# --- handshake -----------------------------------------------------------------------------------

MAX_FRAME, MAX_MESSAGE, FRAGMENT, WINDOW_BYTES, WINDOW_SIGNALS = range(5)
LIMITS = [1024 * 1024, 16 * 1024 * 1024, 64 * 1024, 4 * 1024 * 1024, 16_384]
FRAME_OVERHEAD = 64
NO_KEY = bytes(32)
FRAME_MAC, WANTS_FRAME_MAC = "frame-mac", "want-frame-mac"
MAC_BYTES = 32


def derive_key(cookie: str, cluster: str) -> bytes:
    """The key that is made of a cookie; takes about a tenth of a second."""
    if len(cookie) < 16:
        raise ValueError("a cookie has at least 16 characters")
    return hashlib.scrypt(
        unicodedata.normalize("NFC", cookie).encode(),
        salt=f"coppice/1|{cluster}".encode(),
        n=2**15,
        r=8,
        p=1,
        maxmem=2**26,
        dklen=32,
    )


def transcript_mac(key: bytes, label: str, *parts: bytes) -> bytes:
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in (label.encode(), *parts):
        mac.update(struct.pack(">I", len(part)) + part)
    return mac.digest()


def seal(key: bytes, frame: bytes) -> bytes:
    """A frame and the proof of who made it."""
    return frame + hmac.digest(key, frame, "sha256")


def unseal(key: bytes, sealed: bytes) -> bytes:
    """The frame. :raises Malformed: the peer did not make it"""
    frame, mac = sealed[:-MAC_BYTES], sealed[-MAC_BYTES:]
    if not hmac.compare_digest(mac, hmac.digest(key, frame, "sha256")):
        raise Malformed("a frame that the peer did not make")
    return frame


def negotiate(own: list[int], other: list[int]) -> list[int]:
    agreed = [min(a, b) for a, b in zip(own, other)]
    room = min(agreed[MAX_FRAME], agreed[WINDOW_BYTES] // 2) - FRAME_OVERHEAD
    agreed[FRAGMENT] = min(agreed[FRAGMENT], room)
    return agreed


@dataclass
class Handshaken:
    """Who the peer is, and what was agreed."""

    peer: Life
    limits: list[int]
    hear_ms: int
    #: The keys of frames that are proved, to send and to receive; `None` when they are not.
    frame_keys: tuple[bytes, bytes] | None = None


class Dialler:
    """The handshake of the side that dials: `hello`, then `proof(challenge)`, then `finish(accept)`."""

    def __init__(
        self,
        home: Life,
        cluster: str,
        key: bytes | None,
        nonce: bytes,
        *,
        key_id: str = "",
        hear_ms: int = 20_000,
        role: str = "node",
        limits: list[int] = LIMITS,
        channel_binding: bytes | None = None,
        frame_mac: bool = False,
    ) -> None:
        caps = [] if key is None else [FRAME_MAC, WANTS_FRAME_MAC] if frame_mac else [FRAME_MAC]
        self.wants_mac = frame_mac
        self.key, self.key_id, self.own_limits, self.binding = key, key_id, limits, channel_binding
        auths = ["none"] if key is None else ["psk"] if channel_binding is None else ["psk-tls", "psk"]
        self.auths = auths
        self.hello = cbor2.dumps(
            [1, 1, cluster, home.name, home.incarnation, nonce, auths, caps, limits, key_id, hear_ms, role]
        )
        self.transcript = [self.hello]

    def proof(self, challenge: bytes) -> bytes:
        """The answer to the acceptor. :raises Malformed:"""
        scan(challenge)
        came = cbor2.loads(challenge)
        if not (isinstance(came, list) and len(came) == 10 and came[0] == 2 and came[1] == 1):
            raise Malformed("no CHALLENGE of version 1")
        _, _, node, incarnation, nonce, auth, caps, limits, key_id, hear_ms = came
        if not (isinstance(node, str) and is_number(incarnation) and is_number(hear_ms)):
            raise Malformed("a CHALLENGE of a wrong shape")
        if not (isinstance(nonce, bytes) and len(nonce) == 32 and auth in self.auths and key_id == self.key_id):
            raise Malformed("a CHALLENGE that does not answer the HELLO")
        if not (isinstance(limits, list) and len(limits) == 5 and all(map(is_number, limits))):
            raise Malformed("limits of a wrong shape")
        if not (isinstance(caps, list) and all(isinstance(cap, str) for cap in caps)):
            raise Malformed("caps of a wrong shape")
        if self.wants_mac and FRAME_MAC not in caps:
            raise Malformed("its frames cannot be proved")
        self.are_proved = auth != "none" and FRAME_MAC in caps and (self.wants_mac or WANTS_FRAME_MAC in caps)
        self.auth = auth
        self.result = Handshaken(Life(node, incarnation), negotiate(self.own_limits, limits), hear_ms)
        self.transcript.append(challenge)
        answer = cbor2.dumps([3, self._mac("coppice/1 dialler")])
        self.transcript.append(answer)
        return answer

    def finish(self, accept: bytes) -> Handshaken:
        """:raises Malformed: the acceptor does not know the key"""
        expected = cbor2.dumps([4, self._mac("coppice/1 acceptor")])
        if not hmac.compare_digest(accept, expected):
            raise Malformed("a wrong proof")
        if self.are_proved:
            self.result.frame_keys = (
                self._mac("coppice/1 frames of the dialler"),
                self._mac("coppice/1 frames of the acceptor"),
            )
            limits = self.result.limits
            limits[MAX_FRAME] -= MAC_BYTES
            limits[FRAGMENT] = min(limits[FRAGMENT], limits[MAX_FRAME] - FRAME_OVERHEAD)
        return self.result

    def _mac(self, label: str) -> bytes:
        parts = [*self.transcript]
        if self.auth == "psk-tls" and self.binding is not None:
            parts.append(self.binding)
        return transcript_mac(self.key or NO_KEY, label, *parts)


def is_minus_zero(value: Any) -> bool:
    return isinstance(value, float) and value == 0 and math.copysign(1, value) < 0


def utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, timezone.utc)
