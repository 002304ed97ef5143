"""The client with a real node, in a process of its own."""

import asyncio
import os
import subprocess
import unittest
from pathlib import Path

from coppice import Client, Exited, NodeDown, Pid, RemoteError

COOKIE = "a cookie of sixteen or more"


class WithNode(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        node = os.environ.get("NODE", "node")
        script = Path(__file__).with_name("node.mjs")
        cls.process = subprocess.Popen([node, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        cls.url = cls.process.stdout.readline().strip()

    @classmethod
    def tearDownClass(cls):
        cls.process.stdin.close()
        cls.process.wait(5)
        cls.process.stdout.close()

    async def asyncSetUp(self):
        self.client = await Client.connect(self.url, node="py", cookie=COOKIE, hear_ms=2000)

    async def asyncTearDown(self):
        await self.client.close()

    async def test_call(self):
        request = {"a": [1, 2.5, None, True, b"x", 2**60, -(2**70)], "é": {1, 2}}
        self.assertEqual(await self.client.call("calc", request), {"echo": request})

    async def test_pid_of_the_node_and_of_the_client(self):
        served = self.client.serve("adder", sum)
        came = (await self.client.call("calc", [served.pid]))["echo"]
        self.assertEqual(came, [served.pid])
        self.assertIsInstance(came[0], Pid)

    async def test_calls_of_many(self):
        for _ in range(5):
            replies = await asyncio.gather(*(self.client.call("calc", n) for n in range(1000)))
            self.assertEqual([reply["echo"] for reply in replies], list(range(1000)))

    async def test_big_messages_in_both_directions(self):
        big = "y" * 5_000_000
        self.assertEqual((await self.client.call("calc", big))["echo"], big)

    async def test_cast_and_order(self):
        for n in range(2000):
            self.client.cast("notes", n)
        self.assertEqual(await self.client.call("notes", None), 1999)

    async def test_a_name_that_nobody_has(self):
        with self.assertRaises(Exited) as caught:
            await self.client.call("nobody", 1)
        self.assertEqual(caught.exception.reason, "noproc")
        self.assertEqual((await self.client.monitor("nobody").down()).reason, "noproc")

    async def test_a_server_that_ends_and_is_there_again(self):
        monitor = self.client.monitor("calc")
        with self.assertRaises(Exited) as caught:
            await self.client.call("calc", "die")
        self.assertEqual(caught.exception.reason, {"shutdown": "asked"})
        self.assertEqual((await monitor.down()).reason, {"shutdown": "asked"})
        self.assertEqual(await self.client.call("calc", 1), {"echo": 1})

    async def test_a_server_that_crashes(self):
        with self.assertRaises(Exited) as caught:
            await self.client.call("calc", "crash")
        error = caught.exception.reason["error"]
        self.assertIsInstance(error, RemoteError)
        self.assertEqual((error.name, error.message), ("TypeError", "on purpose"))

    async def test_serving_a_name(self):
        self.client.serve("adder", sum)
        self.assertEqual(await self.client.call("calc", "relay"), 6)

    async def test_a_served_name_that_is_watched_and_ends(self):
        served = self.client.serve("adder", sum)
        self.assertEqual(await self.client.call("calc", "watch"), "watching")
        served.stop({"shutdown": "bye"})
        self.assertEqual(await self.eventually(), {"shutdown": "bye"})

    async def test_a_served_name_that_fails(self):
        async def fails(_request):
            raise ValueError("no")

        self.client.serve("adder", fails)
        self.client.cast("notes", "nothing")
        self.assertEqual(await self.client.call("calc", "watch"), "watching")
        self.assertIn("echo", await self.client.call("calc", 1))
        with self.assertRaises(Exited):
            await self.client.call("calc", "relay")
        # The caller died of it, and with it its monitor; the node goes on.
        self.assertEqual(await self.client.call("calc", 1), {"echo": 1})

    async def test_silence_is_bridged_by_pings(self):
        await asyncio.sleep(5)
        self.assertEqual(await self.client.call("calc", 1), {"echo": 1})

    async def test_frames_that_are_proved(self):
        async with await Client.connect(self.url, node="mac", cookie=COOKIE, frame_mac=True) as client:
            self.assertIsNotNone(client._keys)
            self.assertEqual(await client.call("calc", "hi"), {"echo": "hi"})
            big = "x" * 3_000_000
            self.assertEqual(await client.call("calc", big), {"echo": big})

    async def test_a_wrong_cookie(self):
        with self.assertRaises(NodeDown):
            await Client.connect(self.url, node="other", cookie="another cookie of 16")

    async def test_a_live_name_is_not_given_away(self):
        with self.assertRaises(NodeDown):
            await Client.connect(self.url, node="py", cookie=COOKIE)
        self.assertEqual(await self.client.call("calc", 1), {"echo": 1})

    async def eventually(self):
        for _ in range(100):
            last = await self.client.call("notes", None)
            if last != "nothing" and not isinstance(last, int):
                return last
            await asyncio.sleep(0.02)
        return last


if __name__ == "__main__":
    unittest.main()
