"""Actions sent as signed webhooks, in the form of Standard Webhooks (https://www.standardwebhooks.com)."""

from __future__ import annotations

import ssl
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpcore
import httpx
from standardwebhooks import Webhook

from trustward.adapters.addresses import Deadline, GuardedBackend, Network, Resolve, resolve
from trustward.base.clock import elapsed_s
from trustward.base.errors import SettingsError
from trustward.exchange.webhooks import message
from trustward.model.delivery import Delivery, Receipt, Target
from trustward.ports.traces import Tracer

MOST_READ = 65_536
MOST_KEPT = 200
LEAST_SECRET = 24
"""The fewest bytes that a secret has, as Standard Webhooks says."""
REFUSED = frozenset({400, 410, 413, 415, 422})
"""Answers that say: read, understood, and never to be taken. Everything else but 2xx may be otherwise later."""

_BROKEN = (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.UnsupportedProtocol)


class Webhooks:
    """Sends actions to the targets that have a url. Any number of threads may send; close it at the end."""

    def __init__(
        self,
        targets: Sequence[Target],
        *,
        timeout_s: float,
        clock: Callable[[], int],
        worker: str = "",
        private: Iterable[Network] = (),
        lookup: Resolve = resolve,
        tracer: Tracer | None = None,
    ) -> None:
        self._tracer = tracer
        self._clock = clock
        self._worker = worker
        self._timeout_s = timeout_s
        self._deadline = Deadline()
        self._signers = {target.name: _signers(target) for target in targets if not target.polled}
        backend = GuardedBackend(private, self._deadline, lookup)
        context = ssl.create_default_context()
        # One for each target: no connection is ever shared between two receivers.
        self._clients = {
            target.name: httpx.Client(
                transport=_Transport(backend, context, target.lanes),
                timeout=timeout_s,
                follow_redirects=False,
                trust_env=False,
                headers={"user-agent": "trustward", "content-type": "application/json"},
            )
            for target in targets
            if not target.polled
        }

    def send(self, target: Target, delivery: Delivery) -> Receipt:
        """Send an action once; whatever comes of it is in the receipt."""
        tracer = self._tracer
        trace = tracer.begin() if tracer is not None else None
        if trace is None or tracer is None:
            return self._send(target, delivery)
        receipt = self._send(target, delivery, tracer.traceparent(trace))
        facts: dict[str, str | int] = {
            "trustward.target": target.name,
            "trustward.action": delivery.row.key,
            "http.response.status_code": receipt.status,
        }
        tracer.end(trace, "delivery", facts)
        return receipt

    def _send(self, target: Target, delivery: Delivery, traceparent: str = "") -> Receipt:
        key, body = delivery.idempotency_key, message(delivery)
        at_us = self._clock()
        at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
        signatures = [signer.sign(key, at, body.decode()) for signer in self._signers[target.name]]
        headers = {
            "webhook-id": key,
            "webhook-timestamp": str(at_us // 1_000_000),
            "webhook-signature": " ".join(signatures),
            "idempotency-key": key,
        }
        if traceparent:
            headers["traceparent"] = traceparent
        began = elapsed_s()
        status, said, after_us = 0, "", 0
        self._deadline.begin(self._timeout_s)
        try:
            with self._clients[target.name].stream("POST", target.url, content=body, headers=headers) as answer:
                status = answer.status_code
                after_us = _after_us(answer.headers.get("retry-after", ""), at_us)
                # What counts is the status: an answer that breaks off after it has said so all the same.
                with suppress(
                    httpx.HTTPError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError
                ):
                    said = _excerpt(answer)
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            said = f"{type(fault).__name__}: {fault}"[:MOST_KEPT]
        return Receipt(
            ok=200 <= status < 300,
            at_us=at_us,
            worker=self._worker,
            status=status,
            took_us=int((elapsed_s() - began) * 1e6),
            said=said,
            refused=status in REFUSED,
            after_us=after_us,
        )

    def close(self) -> None:
        """Close all connections, and send the traces that wait."""
        if self._tracer is not None:
            self._tracer.close()
        for client in self._clients.values():
            client.close()


class _Transport(httpx.BaseTransport):
    """httpx over connections that are checked."""

    def __init__(self, backend: GuardedBackend, context: ssl.SSLContext, connections: int) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=context,
            max_connections=connections,
            keepalive_expiry=20.0,
            network_backend=backend,
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        try:
            answer = self._pool.handle_request(
                httpcore.Request(
                    request.method,
                    httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        except _BROKEN as fault:
            raise httpx.TransportError(f"{type(fault).__name__}: {fault}") from fault
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _signers(target: Target) -> list[Webhook]:
    if not target.secrets:
        raise SettingsError(f"the target {target.name} has no secret", remedy="webhooks are always signed: give it one")
    signers = []
    for secret in target.secrets:
        try:
            text = secret.removeprefix("whsec_")
            key = b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError as fault:
            raise SettingsError(
                f"a secret of the target {target.name} cannot be read", remedy='write it like "whsec_" and base64'
            ) from fault
        if len(key) < LEAST_SECRET:
            raise SettingsError(
                f"a secret of the target {target.name} has {len(key)} bytes: it can be guessed",
                remedy=f'take {LEAST_SECRET} of chance: "whsec_" and what openssl rand -base64 {LEAST_SECRET} says',
            )
        signers.append(Webhook(key))
    return signers


def _excerpt(answer: httpx.Response) -> str:
    """The beginning of what was said. What is longer than anybody should say is left unread, and the line is cut."""
    read = b""
    for part in answer.iter_raw():
        read += part
        if len(read) > MOST_READ:
            break
    text = read[: 4 * MOST_KEPT].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()[:MOST_KEPT]


def _after_us(text: str, at_us: int) -> int:
    """What ``Retry-After`` says, in microseconds.

    >>> _after_us("120", 0), _after_us("Thu, 01 Jan 1970 00:00:09 GMT", 2_000_000), _after_us("soon", 0)
    (120000000, 7000000, 0)
    """
    if text.isascii() and text.isdigit():
        return int(text[:9]) * 1_000_000
    try:
        at = parsedate_to_datetime(text)
        # Dates of HTTP are UTC, also in the old forms that do not say so.
        at_s = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError, OSError):
        return 0
    return max(at_s * 1_000_000 - at_us, 0)
