"""Kafka: a consumer group whose offsets are committed when the decisions are on disk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from trustward.base.clock import elapsed_s
from trustward.base.errors import SettingsError, SourceError
from trustward.exchange.messages import by_message, decode_messages
from trustward.exchange.records import Reject
from trustward.ports.sources import Batch, Tools

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

_LONGEST_S = 20.0
_LEAST_S = 0.005
_CUT = 65_536
"""How many bytes are kept of a faulty message that is too large to be sent on as it is."""
_OURS = frozenset(
    {"auto.offset.reset", "bootstrap.servers", "enable.auto.commit", "enable.auto.offset.store", "group.id"}
)
"""What the promises hang on cannot be set in ``options``."""


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Topics of a Kafka cluster."""

    servers: Annotated[
        tuple[str, ...], Meta(description="Brokers to begin with, such as `kafka1.example:9092`.", min_length=1)
    ]
    topics: Annotated[tuple[str, ...], Meta(description="The topics that hold the events.", min_length=1)]
    rejects: Annotated[
        str,
        Meta(
            description="The topic that faulty messages are sent to, as they came, with their faults in the header "
            "`trustward-faults`.",
            min_length=1,
        ),
    ]
    group: Annotated[str, Meta(description="The consumer group that remembers how far it has come.", min_length=1)] = (
        "trustward"
    )
    batch: Annotated[int, Meta(description="The most messages that are read at a time.", ge=1, le=10_000)] = 500
    ahead_kb: Annotated[
        int, Meta(description="The most kilobytes that lie read and not handed over.", ge=1_000, le=1_000_000)
    ] = 16_000
    options: Annotated[
        dict[str, str],
        Meta(description="Properties of librdkafka, such as `security.protocol` and `sasl.password`."),
    ] = {}


class KafkaSource:
    """The port ``Source`` over a consumer group."""

    Settings: ClassVar[type[msgspec.Struct]] = KafkaSettings

    def __init__(self, name: str, settings: KafkaSettings, tools: Tools) -> None:
        try:
            import confluent_kafka  # noqa: F401, PLC0415 - an extra
        except ImportError as fault:
            raise SettingsError(
                f"sources: {name}: kind kafka needs a package that is not here", remedy="pip install 'trustward[kafka]'"
            ) from fault
        taken = _OURS & set(settings.options)
        if taken:
            raise SettingsError(
                f"sources: {name}: options: {min(taken)} cannot be set", remedy="leave it out: the promises hang on it"
            )
        self._settings = settings
        self._decoder = tools.decoder
        self._consumer: Consumer | None = None
        self._producer: Producer | None = None
        self._mine: dict[tuple[str, int], int] = {}
        self._assigned = 0
        self._fault: str = ""

    # ------------------------------------------------------------------ the port

    def open(self) -> None:
        """See :class:`trustward.ports.Source`."""
        import confluent_kafka as kafka  # noqa: PLC0415 - an extra

        settings = self._settings
        common: dict[str, Any] = {
            **settings.options,
            "bootstrap.servers": ",".join(settings.servers),
            "error_cb": self._failed,
            # librdkafka writes its own words to standard error otherwise.
            "log_level": 0,
        }
        self._fault = ""
        try:
            self._producer = kafka.Producer({"enable.idempotence": True, "delivery.timeout.ms": 15_000, **common})
            self._consumer = kafka.Consumer(
                {
                    "queued.max.messages.kbytes": settings.ahead_kb,
                    "partition.assignment.strategy": "cooperative-sticky",
                    **common,
                    "group.id": settings.group,
                    "auto.offset.reset": "earliest",
                    "enable.auto.commit": False,
                    "enable.auto.offset.store": False,
                }
            )
            known = self._consumer.list_topics(timeout=5).topics
        except kafka.KafkaException as fault:
            raise _trouble(fault.args[0]) from fault
        except (TypeError, ValueError) as fault:
            raise SourceError(f"Kafka: {fault}", remedy="mend the options of the source") from fault
        for topic in (*settings.topics, settings.rejects):
            found = known.get(topic)
            if found is None or found.error is not None:
                raise SourceError(f"Kafka has no topic {topic}", remedy="make it, or let this user see it")
        self._consumer.subscribe(
            list(settings.topics), on_assign=self._on_assign, on_revoke=self._on_gone, on_lost=self._on_gone
        )

    def read(self, wait_s: float) -> Batch | None:
        """See :class:`trustward.ports.Source`."""
        import confluent_kafka as kafka  # noqa: PLC0415 - an extra

        assert self._consumer is not None  # open
        try:
            # The first one as soon as it comes, and then what is there: nobody waits for a batch to be full.
            found = self._consumer.consume(1, wait_s)
            if found and self._settings.batch > 1:
                found += self._consumer.consume(self._settings.batch - 1, _LEAST_S)
        except kafka.KafkaException as fault:
            raise _trouble(fault.args[0]) from fault
        messages = []
        for message in found:
            error = message.error()
            if error is None:
                messages.append(message)
            elif error.code() != kafka.KafkaError._PARTITION_EOF:  # noqa: SLF001 - the name that it has
                raise _trouble(error)
        if not messages:
            if self._fault:
                raise SourceError(self._fault, remedy=_LOOK)
            return None
        self._fault = ""
        decoded = decode_messages(self._decoder, [message.value() or b"" for message in messages])
        # Whose partitions they are now: what is taken away meanwhile is somebody else's to commit.
        return Batch(decoded=decoded, place=(messages, dict(self._mine)))

    def confirm(self, batch: Batch, faults: Sequence[Reject]) -> None:
        """See :class:`trustward.ports.Source`."""
        import confluent_kafka as kafka  # noqa: PLC0415 - an extra

        assert self._consumer is not None  # open
        messages, mine = batch.place
        if faults:
            self._set_aside(messages, faults)
        ends: dict[tuple[str, int], int] = {}
        for message in messages:
            ends[message.topic(), message.partition()] = message.offset() + 1
        offsets = [
            kafka.TopicPartition(topic, partition, offset)
            for (topic, partition), offset in ends.items()
            if (topic, partition) in mine and self._mine.get((topic, partition)) == mine[topic, partition]
        ]
        if not offsets:
            return
        try:
            done = self._consumer.commit(offsets=offsets, asynchronous=False)
        except kafka.KafkaException as fault:
            if fault.args[0].code() in _moved(kafka.KafkaError):
                # The group is being dealt out anew: whoever gets the partition reads this again, and it is known.
                return
            raise _trouble(fault.args[0]) from fault
        for one in done:
            if one.error is not None and one.error.code() not in _moved(kafka.KafkaError):
                raise _trouble(one.error)

    def close(self) -> None:
        """See :class:`trustward.ports.Source`."""
        consumer, self._consumer = self._consumer, None
        self._producer = None
        self._mine.clear()
        if consumer is not None:
            consumer.close()

    # ------------------------------------------------------------------ what was set aside

    def _set_aside(self, messages: Sequence[Message], faults: Sequence[Reject]) -> None:
        """Send faulty messages to their topic; it has them when this returns. Raises SourceError."""
        assert self._producer is not None  # open
        wrong = [(messages[at], msgspec.json.encode(found)) for at, found in by_message(faults).items()]
        # With its headers a message may be larger than is taken: it would be read again and again.
        large = self._send(wrong, None)
        if large and self._send(large, _CUT):
            raise SourceError("Kafka takes no message of 64 kB in the topic of rejects", remedy=_LOOK)

    def _send(self, wrong: Sequence[tuple[Message, bytes]], most: int | None) -> list[tuple[Message, bytes]]:
        """Send messages with their faults, of each ``most`` bytes; those that are too large are given back."""
        import confluent_kafka as kafka  # noqa: PLC0415 - an extra

        assert self._producer is not None  # open
        large: list[tuple[Message, bytes]] = []
        errors: list[KafkaError] = []
        ended = 0

        def told_of(one: tuple[Message, bytes], error: KafkaError | None, _sent: Message | None = None) -> None:
            nonlocal ended
            ended += 1
            if error is not None and error.code() == kafka.KafkaError.MSG_SIZE_TOO_LARGE:
                large.append(one)
            elif error is not None:
                errors.append(error)

        for one in wrong:
            message, found = one
            value, key = message.value(), message.key()
            headers: list[tuple[str, str | bytes | None]] = [
                ("trustward-source", f"{message.topic()}/{message.partition()}/{message.offset()}"),
                ("trustward-faults", found),
            ]
            if most is not None:
                headers.append(("trustward-cut", str(len(value or b""))))
                value, key = (value or b"")[:most], None if key is None else key[:most]
            while True:
                try:
                    self._producer.produce(
                        self._settings.rejects,
                        value,
                        key,
                        on_delivery=partial(told_of, one),
                        headers=headers,
                    )
                    break
                except BufferError:
                    self._producer.poll(0.1)
                except kafka.KafkaException as fault:
                    told_of(one, fault.args[0])
                    break
        until = elapsed_s() + _LONGEST_S
        while ended < len(wrong) and elapsed_s() < until:
            self._producer.poll(0.05)
        if errors:
            raise _trouble(errors[0])
        if ended < len(wrong):
            raise SourceError("Kafka did not take what was set aside", remedy=_LOOK)
        return large

    # ------------------------------------------------------------------ called by the library, within read and close

    def _on_assign(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._assigned += 1
        for one in partitions:
            self._mine[one.topic, one.partition] = self._assigned

    def _on_gone(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for one in partitions:
            self._mine.pop((one.topic, one.partition), None)

    def _failed(self, error: KafkaError) -> None:
        """All brokers are gone, or the client is of no use any more."""
        import confluent_kafka as kafka  # noqa: PLC0415 - an extra

        if error.fatal() or error.code() == kafka.KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - the same
            self._fault = f"Kafka: {error.name()}: {error.str()}"


_LOOK = "see that the brokers and topics are there, and that this user may use them"


def _trouble(error: KafkaError) -> SourceError:
    # librdkafka's errors name brokers and topics, never what messages hold.
    return SourceError(f"Kafka: {error.name()}: {error.str()}", remedy=_LOOK)


def _moved(codes: Any) -> set[int]:
    """What a commit says when the partition is somebody else's by now."""
    return {
        codes.ILLEGAL_GENERATION,
        codes.REBALANCE_IN_PROGRESS,
        codes.UNKNOWN_MEMBER_ID,
        codes._NO_OFFSET,  # noqa: SLF001 - the names that they have
        codes._ASSIGNMENT_LOST,  # noqa: SLF001 - the same
    }


KIND: Any = KafkaSource
