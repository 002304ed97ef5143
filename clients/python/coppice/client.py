"""A node in Python, as far as a client needs to be one: processes are names it serves and calls it makes."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import websockets

from . import wire
from .wire import Life, Pid, Ref, RemoteError, TermCodec

#: The serial of what speaks for the client itself.
MAIN = 1
NORMAL, PROTOCOL, SILENCE = 4000, 4007, 4010
FLUSH_BYTES = 16 * 1024


class NodeDown(Exception):
    """The session with the node has ended; what was asked may or may not have been done."""


class Exited(Exception):
    """The server ended before it replied."""

    def __init__(self, reason: Any) -> None:
        super().__init__(f"the server ended: {reason!r}")
        self.reason = reason


@dataclass(frozen=True)
class Down:
    """What was monitored ended."""

    target: Pid | str
    reason: Any


Target = Pid | str
Handler = Callable[[Any], Any | Awaitable[Any]]


class Monitor:
    """Await `down()` for why it ended; `cancel()` to hear no more of it."""

    def __init__(self, client: Client, ref: int, target: Target) -> None:
        self._client, self.ref, self.target = client, ref, target
        self._future: asyncio.Future[Down] = asyncio.get_running_loop().create_future()

    async def down(self) -> Down:
        return await asyncio.shield(self._future)

    def cancel(self) -> None:
        if self._client._monitors.pop(self.ref, None) is not None:
            self._client._post([wire.DEMONITOR, self.ref])


class Served:
    """A process of this client: it answers requests one after the other."""

    def __init__(self, client: Client, serial: int, name: str, handler: Handler) -> None:
        self.client, self.serial, self.name, self.handler = client, serial, name, handler
        self.inbox: asyncio.Queue[Any] = asyncio.Queue()
        #: Who watches it, by the number of the monitor: what was named as the target.
        self.watchers: dict[int, tuple[int, Target | int]] = {}
        self.links: set[int] = set()
        self.task = asyncio.create_task(self._run())

    @property
    def pid(self) -> Pid:
        return Pid(self.client.home.name, self.client.home.incarnation, self.serial)

    async def _run(self) -> None:
        reason: Any = "normal"
        try:
            while True:
                await self._handle(await self.inbox.get())
        except asyncio.CancelledError as cancelled:
            reason = cancelled.args[0] if cancelled.args else "shutdown"
        except Exception as error:
            reason = {"error": error}
        finally:
            self._ended(reason)

    async def _handle(self, message: Any) -> None:
        is_call = isinstance(message, dict) and message.get("type") == "call"
        is_cast = isinstance(message, dict) and message.get("type") == "cast"
        answer = self.handler(message["request"] if is_call or is_cast else message)
        if inspect.isawaitable(answer):
            answer = await answer
        if is_call and isinstance(message.get("from"), Ref):
            self.client._post([wire.SEND_ALIAS, message["from"].serial, self.serial, self.client._encode(answer)])

    def _ended(self, reason: Any) -> None:
        client = self.client
        client._served.pop(self.serial, None)
        client._names.pop(self.name, None)
        if client._closed is not None:
            return
        payload = client._encode_reason(reason)
        for ref, (to, target) in self.watchers.items():
            client._post([wire.DOWN, ref, to, target, payload])
        for to in self.links:
            client._post([wire.LINK_EXIT, self.serial, to, payload])

    def stop(self, reason: Any = "normal") -> None:
        """Ends it: who watches it is told the reason."""
        self.task.cancel(reason)


class Client:
    """A session with one node. Make one with `Client.connect`; use it as `async with`."""

    def __init__(self, socket: Any, home: Life, shaken: wire.Handshaken, hear_ms: int) -> None:
        self.home, self.peer = home, shaken.peer
        self._socket, self._hear_s = socket, hear_ms / 1000
        self._speak_s = shaken.hear_ms / 4000
        self._limits = shaken.limits
        self._codec = TermCodec(home, shaken.peer)
        self._refs, self._serials, self._streams = itertools.count(1), itertools.count(MAIN + 1), itertools.count(1)
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._monitors: dict[int, Monitor] = {}
        self._served: dict[int, Served] = {}
        self._names: dict[str, Served] = {}
        self._by_ref: dict[int, Served] = {}
        self._closed: BaseException | None = None
        # Sending.
        self._seq, self._waiting, self._free = 0, deque[bytes](), list[bytes]()
        self._keys = shaken.frame_keys
        self._credit = [self._limits[wire.WINDOW_BYTES], self._limits[wire.WINDOW_SIGNALS]]
        self._wake = asyncio.Event()
        self._spoke = self._heard = time.monotonic()
        # Receiving.
        self._ack, self._owed, self._pieces = 0, [0, 0], dict[int, bytearray]()
        self._tasks = [asyncio.create_task(run()) for run in (self._read, self._write, self._beat)]

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        node: str,
        cookie: str | None = None,
        key: bytes | None = None,
        key_id: str = "",
        cluster: str = "coppice",
        role: str = "node",
        hear_ms: int = 20_000,
        frame_mac: bool = False,
        **options: Any,
    ) -> Client:
        """Connects to the node at `url` (`ws://host:port/coppice/1`) as a node of this name.

        :param cookie: what the nodes of the cluster share; or the `key` made of it by `derive_key`
        :param frame_mac: every frame has to prove who made it; for networks without TLS
        :param options: go to `websockets.connect`, for instance `ssl`
        :raises NodeDown: it did not let us in
        """
        if cookie is not None:
            key = await asyncio.to_thread(wire.derive_key, cookie, cluster)
        home = Life(node, secrets.randbelow(2**53))
        limits = list(wire.LIMITS)
        socket = await websockets.connect(
            url,
            subprotocols=["coppice.1"],
            compression=None,
            max_size=limits[wire.MAX_FRAME],
            ping_interval=None,
            **options,
        )
        side = wire.Dialler(
            home,
            cluster,
            key,
            secrets.token_bytes(32),
            key_id=key_id,
            hear_ms=hear_ms,
            role=role,
            limits=limits,
            frame_mac=frame_mac,
        )
        try:
            await socket.send(side.hello)
            await socket.send(side.proof(await asyncio.wait_for(socket.recv(), 5)))
            shaken = side.finish(await asyncio.wait_for(socket.recv(), 5))
        except (websockets.ConnectionClosed, wire.Malformed, asyncio.TimeoutError, TypeError) as error:
            await socket.close(PROTOCOL)
            raise NodeDown(f"the handshake failed: {error}") from error
        return cls(socket, home, shaken, hear_ms)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the session in order."""
        if self._closed is None:
            self._free.append(wire.encode_signal([wire.GOAWAY, NORMAL, "done"]))
            await self._send_frames()
        await self._end(NodeDown("closed"), NORMAL)

    # --- what one does ---

    def send(self, target: Target, message: Any) -> None:
        """Sends a message; nobody says whether it came."""
        self._check_open()
        self._post(self._message(target, message))

    def cast(self, target: Target, request: Any) -> None:
        """Sends a request without a reply."""
        self.send(target, {"type": "cast", "request": request})

    async def call(self, target: Target, request: Any, timeout: float = 5.0) -> Any:
        """Sends a request and waits for the reply.

        :raises Exited: the server ended first, or is not there (`reason` is `"noproc"`)
        :raises RemoteError: the call was refused
        :raises NodeDown: the session ended first
        :raises asyncio.TimeoutError: no reply in time; the server may still handle it
        """
        self._check_open()
        ref = next(self._refs)
        sender = Ref(Pid(self.home.name, self.home.incarnation, MAIN), ref)
        message = self._message(target, {"type": "call", "request": request, "from": sender})
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._calls[ref] = future
        self._post([wire.MONITOR, ref, MAIN, self._wire_target(target)])
        self._post(message)
        try:
            return await asyncio.wait_for(future, timeout)
        finally:
            if self._calls.pop(ref, None) is not None and self._closed is None:
                self._post([wire.DEMONITOR, ref])

    def monitor(self, target: Target) -> Monitor:
        """Watches a process, or whoever holds a name."""
        self._check_open()
        monitor = Monitor(self, next(self._refs), target)
        self._monitors[monitor.ref] = monitor
        self._post([wire.MONITOR, monitor.ref, MAIN, self._wire_target(target)])
        return monitor

    def exit(self, pid: Pid, reason: Any) -> None:
        """Sends an exit signal."""
        self._check_open()
        self._post([wire.EXIT, MAIN, pid.serial, self._encode_reason(reason)])

    def serve(self, name: str, handler: Handler) -> Served:
        """Answers what is sent to this name: `handler(request)` gives the reply, or a coroutine of it.

        An exception of the handler ends it, with `{ error }` as the reason.
        """
        self._check_open()
        if name in self._names:
            raise ValueError(f"the name {name} is taken")
        served = Served(self, next(self._serials), name, handler)
        self._served[served.serial] = self._names[name] = served
        return served

    # --- sending ---

    def _check_open(self) -> None:
        if self._closed is not None:
            raise NodeDown(str(self._closed))

    def _encode(self, term: Any) -> bytes:
        return self._codec.encode(term)

    def _encode_reason(self, reason: Any) -> bytes:
        try:
            data = self._encode(reason)
            if len(data) <= 64 * 1024:
                return data
        except wire.Unsendable:
            pass
        return self._encode(ascii(reason)[:1000])

    def _message(self, target: Target, message: Any) -> list[Any]:
        payload = self._encode(message)
        if len(payload) > self._limits[wire.MAX_MESSAGE]:
            raise wire.Unsendable(f"a message of {len(payload)} bytes")
        if isinstance(target, str):
            return [wire.SEND_NAME, target, MAIN, payload]
        return [wire.SEND, self._wire_target(target), MAIN, payload]

    def _wire_target(self, target: Target) -> int | str:
        if isinstance(target, str):
            return target
        if Life(target.node, target.incarnation) != self.peer:
            raise ValueError(f"{target} is not of the node this client is connected to")
        return target.serial

    def _post(self, signal: list[Any]) -> None:
        data = wire.encode_signal(signal)
        if not wire.is_counted(signal[0]):
            self._free.append(data)
        else:
            # One after the other: nobody's order can get lost.
            size = self._limits[wire.FRAGMENT]
            if len(data) > size:
                stream = next(self._streams)
                for at in range(0, len(data), size):
                    last = at + size >= len(data)
                    self._waiting.append(wire.encode_signal([wire.FRAG, stream, last, data[at : at + size]]))
            else:
                self._waiting.append(data)
        self._wake.set()

    async def _write(self) -> None:
        while self._closed is None:
            await self._wake.wait()
            self._wake.clear()
            await self._send_frames()

    async def _send_frames(self) -> None:
        while True:
            batch, size = self._free, sum(map(len, self._free))
            self._free = []
            while self._waiting and size < FLUSH_BYTES:
                data = self._waiting[0]
                # A piece that is not the last one counts no signal; to count it all the same is safe.
                if len(data) > self._credit[0] or self._credit[1] < 1:
                    break
                if batch and size + len(data) + wire.FRAME_OVERHEAD > self._limits[wire.MAX_FRAME]:
                    break
                batch.append(self._waiting.popleft())
                counted = 0 if data[1] == wire.FRAG and not wire.parse_signal(data)[2] else 1
                self._credit[0] -= len(data)
                self._credit[1] -= counted
                size += len(data)
            if not batch:
                return
            self._seq += 1
            self._spoke = time.monotonic()
            try:
                frame = wire.encode_frame(self._seq, self._ack, batch)
                await self._socket.send(frame if self._keys is None else wire.seal(self._keys[0], frame))
            except websockets.ConnectionClosed as closed:
                await self._end(NodeDown(str(closed)), NORMAL)
                return

    async def _beat(self) -> None:
        n = 0
        while self._closed is None:
            now = time.monotonic()
            if now - self._heard >= self._hear_s:
                await self._end(NodeDown("nothing was heard"), SILENCE)
                return
            if now - self._spoke >= self._speak_s:
                n += 1
                self._post([wire.PING, n])
            due = min(self._heard + self._hear_s, max(self._spoke, now) + self._speak_s)
            await asyncio.sleep(max(due - now, 0.01))

    # --- receiving ---

    async def _read(self) -> None:
        try:
            async for frame in self._socket:
                self._heard = time.monotonic()
                if isinstance(frame, str):
                    raise wire.Malformed("a text")
                self._accept(frame)
            await self._end(NodeDown(f"closed by the node: {self._socket.close_code}"), NORMAL)
        except wire.Malformed as error:
            await self._end(NodeDown(f"the node broke the protocol: {error}"), PROTOCOL)
        except websockets.ConnectionClosed as closed:
            await self._end(NodeDown(str(closed)), NORMAL)

    def _accept(self, frame: bytes) -> None:
        if self._keys is not None:
            frame = wire.unseal(self._keys[1], frame)
        seq, ack, signals = wire.parse_frame(frame)
        if seq != self._ack + 1 or ack > self._seq:
            raise wire.Malformed(f"frame {seq}, which acknowledges {ack}")
        for signal, size in signals:
            if wire.is_counted(signal[0]):
                self._owed[0] += size
                self._owed[1] += 0 if signal[0] == wire.FRAG and not signal[2] else 1
            if signal[0] == wire.FRAG:
                signal = self._assemble(signal)
            if signal is not None:
                self._dispatch(signal)
        self._ack = seq
        full = self._limits[wire.WINDOW_BYTES], self._limits[wire.WINDOW_SIGNALS]
        if any(owed * 4 >= window for owed, window in zip(self._owed, full)):
            self._post([wire.CREDIT, *self._owed])
            self._owed = [0, 0]

    def _assemble(self, fragment: list[Any]) -> list[Any] | None:
        _, stream, last, data = fragment
        pieces = self._pieces.setdefault(stream, bytearray())
        pieces += data
        if len(self._pieces) > 64 or len(pieces) > self._limits[wire.MAX_MESSAGE] + 1024:
            raise wire.Malformed("fragments beyond the limit")
        if not last:
            return None
        signal = wire.parse_signal(bytes(self._pieces.pop(stream)))
        if signal is not None and (signal[0] == wire.FRAG or not wire.is_counted(signal[0])):
            raise wire.Malformed("what may not come in fragments")
        return signal

    def _dispatch(self, signal: list[Any]) -> None:
        op, *parts = signal
        if op in (wire.SEND, wire.SEND_NAME):
            served = (self._served if op == wire.SEND else self._names).get(parts[0])
            if served is not None:
                self._deliver(served, parts[2])
        elif op == wire.SEND_ALIAS:
            self._settle(parts[0], lambda: self._codec.decode(parts[2]))
        elif op == wire.REFUSE:
            self._settle(parts[0], lambda: raise_refusal(self._codec.decode(parts[2])))
        elif op == wire.DOWN:
            self._down(parts[0], parts[3])
        elif op == wire.MONITOR:
            self._watched(*parts)
        elif op == wire.DEMONITOR:
            served = self._by_ref.pop(parts[0], None)
            if served is not None:
                served.watchers.pop(parts[0], None)
        elif op in (wire.LINK, wire.UNLINK):
            self._linked(op, parts)
        elif op in (wire.EXIT, wire.LINK_EXIT):
            self._exit(op, *parts)
        elif op == wire.SPAWN:
            self._post([wire.SPAWN_REPLY, parts[0], parts[1], None, self._encode("notAllowed")])
        elif op == wire.PING:
            self._post([wire.PONG, parts[0]])
        elif op == wire.CREDIT:
            self._credit = [have + more for have, more in zip(self._credit, parts)]
            self._wake.set()

    def _deliver(self, served: Served, payload: bytes) -> None:
        try:
            served.inbox.put_nowait(self._codec.decode(payload))
        except wire.Malformed:
            # It costs that one message.
            pass

    def _settle(self, ref: int, value: Callable[[], Any]) -> None:
        # The monitor of the call is taken back by who waits for it.
        future = self._calls.get(ref)
        if future is None or future.done():
            return
        try:
            future.set_result(value())
        except Exception as error:
            future.set_exception(error)

    def _down(self, ref: int, payload: bytes) -> None:
        try:
            reason = self._codec.decode(payload)
        except wire.Malformed:
            reason = "unreadable"
        call = self._calls.pop(ref, None)
        if call is not None and not call.done():
            call.set_exception(Exited(reason))
        monitor = self._monitors.pop(ref, None)
        if monitor is not None and not monitor._future.done():
            monitor._future.set_result(Down(monitor.target, reason))

    def _watched(self, ref: int, by: int, target: int | str) -> None:
        served = (self._names if isinstance(target, str) else self._served).get(target)
        if served is None and target != MAIN:
            self._post([wire.DOWN, ref, by, target, self._encode("noproc")])
        elif served is not None:
            served.watchers[ref] = (by, target)
            self._by_ref[ref] = served

    def _linked(self, op: int, parts: list[Any]) -> None:
        by, to = parts[-2:]
        served = self._served.get(to)
        if op == wire.UNLINK:
            if served is not None:
                served.links.discard(by)
            self._post([wire.UNLINK_ACK, parts[0], to, by])
        elif served is not None:
            served.links.add(by)
        else:
            self._post([wire.LINK_EXIT, to, by, self._encode("noproc")])

    def _exit(self, op: int, by: int, to: int, payload: bytes) -> None:
        served = self._served.get(to)
        if served is None or (op == wire.LINK_EXIT and by not in served.links):
            return
        served.links.discard(by)
        try:
            reason = self._codec.decode(payload)
        except wire.Malformed:
            reason = "unreadable"
        if reason != "normal":
            served.stop("killed" if reason == "kill" and op == wire.EXIT else reason)

    async def _end(self, why: BaseException, code: int) -> None:
        if self._closed is not None:
            return
        self._closed = why
        for future in self._calls.values():
            if not future.done():
                future.set_exception(why)
        for monitor in self._monitors.values():
            if not monitor._future.done():
                monitor._future.set_result(Down(monitor.target, "noconnection"))
        self._monitors.clear()
        for served in list(self._served.values()):
            served.task.cancel("noconnection")
        self._wake.set()
        await self._socket.close(code)
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()


def raise_refusal(error: Any) -> Any:
    raise error if isinstance(error, BaseException) else RemoteError("Refusal", repr(error))
