"""NATS JetStream: a durable pull consumer whose messages are acknowledged when their decisions are on disk."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Coroutine, Sequence
from concurrent.futures import TimeoutError as WaitedTooLong
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeVar

import msgspec
from msgspec import Meta

from trustward.base.errors import SettingsError, SourceError
from trustward.base.units import parse_duration
from trustward.exchange.messages import by_message, decode_messages
from trustward.exchange.records import Reject
from trustward.ports.sources import Batch, Tools

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription
    from nats.js import JetStreamContext

T = TypeVar("T")
_LONGEST_S = 20.0
"""How long anything asked of the server may take."""
_LEAST_S = 0.01
_ROOM = 100
"""For what headers begin and end with, and the one that says how long a message was before it was cut."""


class NatsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A NATS JetStream stream."""

    servers: Annotated[
        tuple[str, ...],
        Meta(description="Addresses such as `tls://nats1.example:4222`, of one cluster.", min_length=1),
    ]
    stream: Annotated[str, Meta(description="The stream that holds the events.", min_length=1)]
    rejects: Annotated[
        str,
        Meta(
            description="The subject that faulty messages are published to, as they came, with their faults in the "
            "header `trustward-faults`. A stream must hold it.",
            min_length=1,
        ),
    ]
    subject: Annotated[str, Meta(description="Only messages of these subjects, such as `events.>`. Empty: all.")] = ""
    durable: Annotated[
        str,
        Meta(
            description="The consumer that remembers how far it has come. It is made if there is none; one that there "
            "is must acknowledge explicitly."
        ),
    ] = "trustward"
    batch: Annotated[int, Meta(description="The most messages that are read at a time.", ge=1, le=10_000)] = 500
    in_flight: Annotated[int, Meta(description="The most messages that are handed out and not acknowledged.", ge=1)] = (
        2_000
    )
    ack_wait: Annotated[str, Meta(description="What is not acknowledged within this time is handed out again.")] = "1m"
    credentials: Annotated[str, Meta(description="A file of NATS credentials (`.creds`).")] = ""
    ca: Annotated[str, Meta(description="A file with the certificates to trust. Empty: those of the system.")] = ""


class NatsSource:
    """The port ``Source`` over JetStream."""

    Settings: ClassVar[type[msgspec.Struct]] = NatsSettings

    def __init__(self, name: str, settings: NatsSettings, tools: Tools) -> None:
        try:
            import nats  # noqa: F401, PLC0415 - an extra
        except ImportError as fault:
            raise SettingsError(
                f"sources: {name}: kind nats needs a package that is not here", remedy="pip install 'trustward[nats]'"
            ) from fault
        self._name = name
        self._settings = settings
        self._decoder = tools.decoder
        try:
            self._ack_wait_s = parse_duration(settings.ack_wait) / 1e6
        except ValueError as fault:
            raise SettingsError(f"sources: {name}: ack_wait: {fault}", remedy="write it like 1m") from fault
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None
        self._client: Client | None = None
        self._stream: JetStreamContext | None = None
        self._inbox: Subscription | None = None
        self._pull: JetStreamContext.PullSubscription | None = None
        self._held: deque[Sequence[Msg]] = deque()

    # ------------------------------------------------------------------ the port

    def open(self) -> None:
        """See :class:`trustward.ports.Source`."""
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=f"nats-{self._name}", daemon=True)
        self._thread.start()
        self._do(self._connect())

    def read(self, wait_s: float) -> Batch | None:
        """See :class:`trustward.ports.Source`."""
        messages = self._do(self._fetch(max(wait_s, _LEAST_S)))
        if not messages:
            return None
        decoded = decode_messages(self._decoder, [message.data for message in messages])
        self._held.append(messages)
        return Batch(decoded=decoded, place=messages)

    def confirm(self, batch: Batch, faults: Sequence[Reject]) -> None:
        """See :class:`trustward.ports.Source`."""
        self._do(self._settle(batch.place, faults))
        self._held.popleft()

    def close(self) -> None:
        """See :class:`trustward.ports.Source`."""
        if self._loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(_LONGEST_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._loop = self._thread = self._client = self._stream = self._inbox = self._pull = None
        self._held.clear()

    # ------------------------------------------------------------------ in the loop's thread

    async def _connect(self) -> None:
        import nats  # noqa: PLC0415 - an extra
        from nats.js.api import AckPolicy, ConsumerConfig  # noqa: PLC0415
        from nats.js.errors import NotFoundError  # noqa: PLC0415

        settings = self._settings
        secure = any(server.startswith("tls://") for server in settings.servers)
        trusted = ssl.create_default_context(cafile=settings.ca or None) if secure else None
        client = await nats.connect(
            servers=list(settings.servers),
            name="trustward",
            error_cb=_quiet,
            # What fails is opened anew, with rests between: there is one way to begin again.
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0.1,
            connect_timeout=5,
            tls=trusted,
            user_credentials=settings.credentials or None,
        )
        self._client = client
        stream = client.jetstream(timeout=5)
        try:
            info = await stream.consumer_info(settings.stream, settings.durable)
        except NotFoundError:
            wanted = ConsumerConfig(
                durable_name=settings.durable,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self._ack_wait_s,
                max_ack_pending=settings.in_flight,
                filter_subject=settings.subject or None,
            )
            info = await stream.add_consumer(settings.stream, config=wanted)
        if info.config.ack_policy != AckPolicy.EXPLICIT or info.config.deliver_subject:
            raise SourceError(
                f"the consumer {settings.durable} does not pull, or does not acknowledge explicitly",
                remedy="name another one in durable, or let one be made",
            )
        await stream.find_stream_name_by_subject(settings.rejects)
        self._stream = stream
        deliver = client.new_inbox()
        self._inbox = await client.subscribe(deliver)
        self._pull = stream.PullSubscription(
            stream, self._inbox, settings.stream, settings.durable, deliver=deliver.encode()
        )

    async def _fetch(self, wait_s: float) -> list[Msg]:
        assert self._pull is not None  # open
        assert self._client is not None  # the same
        if not self._client.is_connected:
            raise SourceError("the connection to NATS is lost", remedy="see that a server runs")
        try:
            # The first one as soon as it comes, and then what is there: nobody waits for a batch to be full.
            found = await self._pull.fetch(1, timeout=wait_s)
        except TimeoutError:
            return []
        more = self._settings.batch - len(found)
        if more:
            # Python's own TimeoutError, not the library's below it: where the time is up between two of its steps, it
            # raises that one, and the first message must not go with it.
            with suppress(TimeoutError):
                found += await self._pull.fetch(more, timeout=_LEAST_S)
        return found

    async def _settle(self, messages: Sequence[Msg], faults: Sequence[Reject]) -> None:
        assert self._stream is not None  # open
        assert self._client is not None  # the same
        for at, found in by_message(faults).items():
            message = messages[at]
            sequence = message.metadata.sequence.stream
            headers = {
                # The server drops a second one: a crash before the acknowledgement doubles nothing.
                "Nats-Msg-Id": f"{self._settings.stream}-{sequence}",
                "trustward-source": f"{self._settings.stream}/{sequence}",
                "trustward-subject": message.subject,
                "trustward-faults": ascii_json(found),
            }
            # With its headers a message may be larger than the server takes: it would come again and again.
            room = self._client.max_payload - _ROOM - sum(len(name) + len(text) + 4 for name, text in headers.items())
            if len(message.data) > room:
                headers["trustward-cut"] = str(len(message.data))
            await self._stream.publish(self._settings.rejects, message.data[: max(0, room)], headers=headers)
        for message in messages:
            await message.ack()
        await self._client.flush(timeout=5)

    async def _leave(self) -> None:
        """Give back what is not confirmed, at once, and go."""
        client, inbox = self._client, self._inbox
        if client is None or client.is_closed:
            return
        try:
            given = [message for messages in self._held for message in messages]
            if inbox is not None:
                # What was asked for last may still wait at the server, which would hand on there what is given back, to
                # nobody. When it answers the flush it knows that nothing is wanted here, and what it sent is here.
                ending = asyncio.create_task(inbox.drain())  # type: ignore[no-untyped-call]
                await asyncio.sleep(0)
                await client.flush(timeout=2)
                ending.cancel()
                while inbox.pending_msgs:
                    given.append(await inbox.next_msg(timeout=1))
            for message in given:
                if message.reply:
                    await message.nak()
            await client.flush(timeout=2)
        except Exception:  # noqa: BLE001, S110 - then it is handed out again a little later
            pass
        await client.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        """Let the loop do something. Raises SourceError for whatever the server or the way to it says."""
        import nats.errors  # noqa: PLC0415 - an extra

        assert self._loop is not None  # open
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(_LONGEST_S)
        except WaitedTooLong as fault:
            future.cancel()
            raise SourceError("NATS did not answer in time", remedy=_LOOK) from fault
        except (nats.errors.Error, OSError, ValueError) as fault:
            # nats-py's errors name subjects and servers, never what messages hold.
            raise SourceError(f"NATS: {type(fault).__name__}: {fault}", remedy=_LOOK) from fault


_LOOK = "see that the servers, the stream and the consumer are there, and that this user may use them"


async def _quiet(_fault: Exception) -> None:
    """Whatever it is comes out of the next call."""


def ascii_json(value: Any) -> str:
    r"""JSON that fits into a header.

    >>> ascii_json([{"cause": "caf\u00e9"}])
    '[{"cause":"caf\\u00e9"}]'
    """
    import json  # noqa: PLC0415 - msgspec's keeps letters as they are

    return json.dumps(value, separators=(",", ":"))


KIND: Any = NatsSource
