"""A client of the subprotocol twoway.1, written from docs/reference/protocol.md, for Debian's python3-websockets.

    async with Client("ws://localhost:8080", token="ann") as client:
        await client.subscribe("room.1", print, last=10)
        await client.publish("room.1", {"text": "hello"})
        print(await client.request("add", [1, 2]))
"""

import asyncio
import itertools
import json
import random
import uuid

import websockets


class HubError(Exception):
    """The hub refused something, or the connection was lost before its answer (code "lost")."""

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code


class Topic:
    """A subscription, and the position of its last message."""

    def __init__(self, name, listener, on_start, last):
        self.name, self.listener, self.on_start, self.last = name, listener, on_start, last
        self.at, self.live = None, False

    def question(self):
        self.live = False
        return {"t": "sub", "topic": self.name, **({"at": self.at} if self.at else {"last": self.last})}

    def started(self, answer):
        self.live = True
        recovered = answer.get("recovered")
        if recovered is None and answer.get("count", 0) > 0:
            self.at = None
        elif recovered is not True:
            self.at = answer["at"]
        if self.on_start:
            self.on_start(recovered is not False)

    def received(self, message, data):
        """Returns false if a message before this one is missing."""
        epoch, offset, _ = message["at"]
        if self.at:
            if epoch == self.at[0] and offset <= self.at[1]:
                return True
            if epoch != self.at[0] or message["prev"] != self.at[2]:
                return False
        self.at = message["at"]
        self.listener(data, message.get("from"))
        return True


class Client:
    """Connects, connects again after each loss, resumes its topics, and repeats publishes under the same key."""

    def __init__(self, url, token=None):
        self.url, self.token = url, token
        self.ids, self.topics, self.pending = itertools.count(1), {}, {}
        self.online = asyncio.Event()

    async def __aenter__(self):
        self.task = asyncio.create_task(self._run())
        await self.online.wait()
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def subscribe(self, name, listener, on_start=None, last=0):
        topic = self.topics[name] = Topic(name, listener, on_start, last)
        await self._start(topic)

    async def publish(self, name, data):
        """Resolves to the position of the stored message. The same key on each try makes it take effect once."""
        key = uuid.uuid4().hex
        while True:
            await self.online.wait()
            try:
                return (await self._ask({"t": "pub", "topic": name, "key": key}, data))[0].get("at")
            except HubError as error:
                if error.code != "lost":
                    raise

    async def request(self, method, data=None):
        await self.online.wait()
        return (await self._ask({"t": "req", "method": method}, data))[1]

    async def _start(self, topic):
        await self._ask(topic.question(), answered=topic.started)

    async def _ask(self, question, data=None, answered=None):
        """`answered` is called before the next message is read, as messages of the topic may follow at once."""
        number = next(self.ids)
        future = asyncio.get_running_loop().create_future()
        self.pending[number] = (future, answered)
        body = data if isinstance(data, bytes) else None
        content = {"bin": True} if body is not None else {} if data is None else {"data": data}
        await self._send({**question, "id": number, **content}, body)
        return await future

    async def _send(self, message, body=None):
        try:
            await self.socket.send(json.dumps(message))
            if body is not None:
                await self.socket.send(body)
        except websockets.ConnectionClosed:
            pass  # The loop that reads learns of it, and ends all questions.

    async def _run(self):
        wait = 0.5
        while True:
            try:
                async with websockets.connect(self.url, subprotocols=["twoway.1"]) as self.socket:
                    await self._send({"t": "hello", "token": self.token})
                    async for text in self.socket:
                        message = json.loads(text)
                        data = await self.socket.recv() if message.get("bin") else message.get("data")
                        if message["t"] == "welcome":
                            wait = 0.5
                        self._received(message, data)
                if self.socket.close_code in (4400, 4403):
                    return
            except (OSError, websockets.WebSocketException):
                pass
            self.online.clear()
            pending, self.pending = self.pending, {}
            for future, _ in pending.values():
                future.set_exception(HubError("lost", "the connection was lost before the answer"))
                future.exception()
            await asyncio.sleep(random.random() * wait)
            wait = min(2 * wait, 30)

    def _received(self, message, data):
        kind = message["t"]
        if kind == "welcome":
            self.online.set()
            for topic in self.topics.values():
                asyncio.create_task(self._start(topic))
        elif kind in ("ok", "error") and message.get("id") in self.pending:
            future, answered = self.pending.pop(message["id"])
            if kind == "error":
                future.set_exception(HubError(message["code"], message["message"]))
            else:
                if answered:
                    answered(message)
                future.set_result((message, data))
        elif kind == "msg" and message["topic"] in self.topics:
            topic = self.topics[message["topic"]]
            if topic.live and not topic.received(message, data):
                asyncio.create_task(self._start(topic))
        elif kind == "gap" and message["topic"] in self.topics:
            self.topics[message["topic"]].started({"at": message["at"], "recovered": False})
