"""The player in Python: calls, serves, and watches. Its arguments: where the node listens, and how many rounds."""

import asyncio
import sys

from coppice import Client


async def main() -> None:
    url, rounds = sys.argv[1], int(sys.argv[2])
    cookie = sys.stdin.readline().strip()
    async with await Client.connect(url, node="py", cookie=cookie, key_id="client", role="client") as client:
        client.serve("snake", lambda request: "pong" if request == "ping" else None)
        for _ in range(rounds):
            assert await client.call("ponger", "ping") == "pong"
        watching = client.monitor("ponger")
        await client.call("referee", {"played": rounds}, timeout=60)
        down = await watching.down()
        await client.call("referee", {"ended": down.reason})
        await asyncio.Event().wait()


asyncio.run(main())
