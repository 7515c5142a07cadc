"""Tries the client against a hub: `python3 try_client.py URL`. The hub's test cuts the connections when it is told to."""

import asyncio
import sys

from twoway_client import Client, HubError


async def main(url):
    got, starts = [], []
    async with Client(url, token="python") as client:
        await client.subscribe("room.1", lambda data, sender: got.append((data, sender)), starts.append, last=2)
        first = await client.publish("room.1", {"text": "é"})
        assert first[1] == 4, first
        await client.publish("room.1", b"\x00\xff")
        assert await client.request("add", [1, 2]) == 3
        for name, data, code in (("add", "x", "failed"), ("none", None, "unknown-method")):
            try:
                await client.request(name, data)
                raise AssertionError(name)
            except HubError as error:
                assert error.code == code, error
        try:
            await client.publish("closed", 1)
            raise AssertionError("closed")
        except HubError as error:
            assert error.code == "forbidden", error
        # The hub cuts all connections, and publishes while this client is away.
        try:
            await client.request("cut")
        except HubError as error:
            assert error.code == "lost", error
        await client.publish("room.1", "after the cut")
        while len(got) < 7:
            await asyncio.sleep(0.01)
    data = [each for each, _ in got]
    assert data == ["older 2", "older 3", {"text": "é"}, b"\x00\xff", "meanwhile 1", "meanwhile 2", "after the cut"], data
    assert got[2][1] == "python" and got[0][1] is None, got
    assert starts == [True, True], starts
    print("whole")


asyncio.run(main(sys.argv[1]))
