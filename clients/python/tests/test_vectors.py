"""What is published as test vectors, read and written by this client."""

import array
import json
import math
import unittest
from pathlib import Path

from coppice import wire

VECTORS = Path(__file__).parents[3] / "packages/remote/vectors"
SENDER, RECEIVER = wire.Life("a", 11), wire.Life("b", 22)
TYPE_CODES = {"Uint16Array": "H", "Float64Array": "d", "Uint8ClampedArray": "B"}


def vectors(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


def from_notation(term):
    if isinstance(term, list):
        return [from_notation(part) for part in term]
    if not isinstance(term, dict):
        return term
    kind = term.get("$")
    if kind is None:
        return {key: from_notation(part) for key, part in term.items()}
    if kind == "undefined":
        return wire.UNDEFINED
    if kind == "float":
        return float(term["value"].replace("Infinity", "inf"))
    if kind == "bigint":
        return int(term["value"])
    if kind == "bytes":
        return bytes.fromhex(term["hex"])
    if kind == "typed-array":
        code = TYPE_CODES[term["type"]]
        return array.array(code, [float(x) if code == "d" else x for x in map(from_notation, term["elements"])])
    if kind == "date":
        return wire.utc(term["ms"])
    if kind == "set":
        return {from_notation(part) for part in term["elements"]}
    if kind == "map":
        return {from_notation(key): from_notation(part) for key, part in term["entries"]}
    if kind == "pid":
        return wire.Pid(term["node"], term["incarnation"], term["serial"])
    if kind == "ref":
        return wire.Ref(from_notation(term["owner"]), term["serial"])
    if kind == "name":
        return wire.Name(term["name"])
    if kind == "remote-name":
        return wire.Name(term["name"], term["node"])
    if kind == "error":
        cause = from_notation(term["cause"]) if "cause" in term else None
        return wire.RemoteError(term["name"], term["message"], term["code"], term["stack"], cause)
    raise TypeError(kind)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return (math.isnan(a) and math.isnan(b)) or (a == b and wire.is_minus_zero(a) == wire.is_minus_zero(b))
    if isinstance(a, wire.RemoteError) and isinstance(b, wire.RemoteError):
        return vars(a) == vars(b)
    return type(a) is type(b) and a == b


class Terms(unittest.TestCase):
    sender = wire.TermCodec(SENDER, RECEIVER)
    receiver = wire.TermCodec(RECEIVER, SENDER)

    def test_written_and_read(self):
        for vector in vectors("terms")["written"] + vectors("terms")["read"]:
            with self.subTest(vector["name"]):
                came = self.receiver.decode(bytes.fromhex(vector["hex"]))
                expected = from_notation(vector["term"])
                if isinstance(expected, float) and isinstance(came, int):
                    came = float(came)
                self.assertTrue(same(came, expected), f"{came!r} is not {expected!r}")
                # What this client makes of it is read as the same.
                again = self.receiver.decode(self.sender.encode(expected))
                self.assertTrue(same(again, expected), f"{again!r} is not {expected!r}")

    def test_same_bytes(self):
        # Here a small bigint is an int, the order of a set is nobody's, and cbor2 shortens what is no number.
        differ = {"bigint, small", "bigint, zero", "map", "set", "error", "infinity", "not a number"}
        for vector in vectors("terms")["written"]:
            if vector["name"] not in differ:
                with self.subTest(vector["name"]):
                    self.assertEqual(self.sender.encode(from_notation(vector["term"])).hex(), vector["hex"])

    def test_refused(self):
        for vector in vectors("terms")["refused"]:
            with self.subTest(vector["name"]), self.assertRaises(wire.Malformed):
                self.receiver.decode(bytes.fromhex(vector["hex"]))

    def test_unsendable(self):
        for term in (object(), "\ud800", {"__proto__": 1}, 2**1024, print):
            with self.subTest(repr(term)[:40]), self.assertRaises(wire.Unsendable):
                self.sender.encode(term)


class Frames(unittest.TestCase):
    def test_signals(self):
        for vector in vectors("frames")["signals"]:
            with self.subTest(vector["signal"]["op"]):
                data = bytes.fromhex(vector["hex"])
                signal = wire.parse_signal(data)
                self.assertEqual(signal[0], vector["code"])
                self.assertEqual(wire.encode_signal(signal), data)

    def test_frames(self):
        for vector in vectors("frames")["frames"]:
            data = bytes.fromhex(vector["hex"])
            seq, ack, signals = wire.parse_frame(data)
            self.assertEqual((seq, ack, len(signals)), (vector["seq"], vector["ack"], len(vector["ops"])))

    def test_refused_and_ignored(self):
        for vector in vectors("frames")["refused"]:
            with self.subTest(vector["name"]), self.assertRaises(wire.Malformed):
                wire.parse_frame(bytes.fromhex(vector["hex"]))
        self.assertEqual(wire.parse_frame(bytes.fromhex(vectors("frames")["ignored"]["hex"]))[2], [])

    def test_written_frame(self):
        ping = wire.encode_signal([wire.PING, 1])
        self.assertEqual(wire.parse_frame(wire.encode_frame(1, 0, [ping])), (1, 0, [([wire.PING, 1], 3)]))


class Handshake(unittest.TestCase):
    def test_handshakes(self):
        shakes = vectors("handshake")
        key = wire.derive_key(shakes["cookie"], shakes["cluster"])
        self.assertEqual(key.hex(), shakes["key"])
        dialler = shakes["dialler"]
        for vector in shakes["handshakes"]:
            with self.subTest(vector["auth"]):
                binding = vector.get("channelBinding")
                side = wire.Dialler(
                    SENDER,
                    shakes["cluster"],
                    key,
                    bytes.fromhex(dialler["nonce"]),
                    key_id=shakes["keyId"],
                    hear_ms=dialler["hearMs"],
                    channel_binding=None if binding is None else bytes.fromhex(binding),
                    frame_mac="frameKeys" in vector,
                )
                self.assertEqual(side.hello.hex(), vector["hello"])
                self.assertEqual(side.proof(bytes.fromhex(vector["challenge"])).hex(), vector["proof"])
                result = side.finish(bytes.fromhex(vector["accept"]))
                self.assertEqual(result.peer, RECEIVER)
                keys = vector.get("frameKeys")
                if keys is None:
                    self.assertIsNone(result.frame_keys)
                else:
                    self.assertEqual([key.hex() for key in result.frame_keys], [keys["dialler"], keys["acceptor"]])
                    sealed = bytes.fromhex(vector["sealed"])
                    self.assertEqual(wire.parse_frame(wire.unseal(result.frame_keys[1], sealed)), (1, 0, []))
                    self.assertEqual(wire.seal(result.frame_keys[1], sealed[: -wire.MAC_BYTES]), sealed)
                    with self.assertRaises(wire.Malformed):
                        wire.unseal(result.frame_keys[0], sealed)
                wrong = bytearray.fromhex(vector["accept"])
                wrong[-1] ^= 1
                with self.assertRaises(wire.Malformed):
                    side.finish(bytes(wrong))

    def test_short_cookie(self):
        with self.assertRaises(ValueError):
            wire.derive_key("short", "test")


if __name__ == "__main__":
    unittest.main()
