"""Checks a worker's rights at a Redis server, without an effect.

Between MULTI and DISCARD a server judges each command and carries none out: rights, memory, disk
and whether it takes writes at all.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

import redis
from kombu.transport.redis import Channel
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from config.queues import CHUNK_QUEUES, INTAKE_QUEUES
from uprid_client.redis_server.address import RedisAddress
from uprid_client.redis_server.refusals import explained, missing_command
from worker.cli.doctor.finding import Finding, fault, ok
from worker.process.queueing import kept

Command = tuple[str, ...]
#: A command, and the pattern that a right to its keys is given by.
Probe = tuple[Command, str]

_ANY: Final = "*"


def check_rights(
    what: str, server: redis.Redis, address: RedisAddress, probes: Sequence[Probe]
) -> Iterator[Finding]:
    """Try every command of a worker there; name all missing rights in one line."""
    found = _tried(server, [command for command, _ in probes])
    lacking: dict[str, None] = {}
    refusals: dict[str, None] = {}
    for (_, pattern), error in zip(probes, found, strict=True):
        if isinstance(error, NoPermissionError):
            command = missing_command(error)
            lacking[pattern if command is None else f"+{command}"] = None
        # What a server cannot do within MULTI, such as WATCH, is no refusal.
        elif error is not None and _is_refusal(error):
            refusals[explained(error)] = None
    for text in refusals:
        yield fault(f"{what} writes", text)
    if lacking:
        user = address.username or "default"
        rules = " ".join(lacking)
        yield fault(f"{what} rights", f"a worker lacks some: ACL SETUSER {user} {rules}")
    if not lacking and not refusals:
        yield ok(f"{what} rights", "a worker may do all that it does")


def broker_probes(address: RedisAddress) -> list[Probe]:
    """Return the commands of workers and pollers at the broker, without those of the stream."""
    channels = f"/{address.database}."
    mailbox, replies = f"{_ANY}.celery.pidbox", f"{_ANY}.reply.celery.pidbox"
    return [
        *(probe for queue in (*INTAKE_QUEUES, *CHUNK_QUEUES) for probe in _of_queue(queue)),
        *_on("_kombu.binding.moneta", "~_kombu.*", "SADD x", "SMEMBERS", "SREM x", "EXISTS", "DEL"),
        # By kombu's scripts.
        *_on("_kombu.binding_deadlines", "~_kombu.*", "ZADD 1 x", "ZRANGEBYSCORE 0 0", "ZREM x"),
        (("TIME",), ""),
        *_on("unacked", "~unacked", "HSET x x", "HGET x", "HDEL x", "WATCH"),
        *_on("unacked_index", "~unacked_index", "ZADD 1 x", "ZREM x", "ZRANGE 0 0"),
        *_on("unacked_mutex", "~unacked_mutex", "SET x", "GET", "DEL"),
        *_on("uprid:slot:x", "~uprid:slot:*", "SET x", "MGET"),
        *_on(kept.LIST, f"~{kept.LIST}", "LPUSH x", "LTRIM 0 0", "LRANGE 0 0"),
        *_on(kept.COUNTS, f"~{kept.COUNTS}", "HINCRBY x 1", "HGETALL"),
        *_on(f"x{replies[1:]}", f"~{replies}", "LPUSH x", "BRPOP 1", "DEL"),
        (("PUBLISH", f"{channels}celery.pidbox", "x"), f"&{channels}celery.pidbox"),
        (("PUBLISH", f"{channels}celeryev/x", "x"), f"&{channels}celeryev/*"),
        (("PSUBSCRIBE", f"{channels}celery.pidbox"), f"&{channels}celery.pidbox"),
        (("PUNSUBSCRIBE", f"{channels}celery.pidbox"), f"&{channels}celery.pidbox"),
        *_on(f"x{mailbox[1:]}", f"~{mailbox}*", "LLEN"),
        (("UNWATCH",), ""),
    ]  # fmt: skip


def stream_probes(stream: str) -> list[Probe]:
    """Return the commands of the relay at the stream's server."""
    beside = f"~{stream}:*"
    return [
        *_on(stream, f"~{stream}", "XADD * x x", "XTRIM MINID 0", "EXISTS"),
        (("XINFO", "STREAM", stream), f"~{stream}"),
        *_on(f"{stream}:mark", beside, "GET", "SET x"),
        (("EVALSHA", "0" * 40, "1", stream), f"~{stream}"),
        (("SCRIPT", "LOAD", "return 1"), ""),
        (("SCRIPT", "EXISTS", "0" * 40), ""),
    ]


def _of_queue(queue: str) -> list[Probe]:
    of_a_priority = f"{queue}{Channel.sep}9"
    keys = f"~{queue}*"
    return [
        *_on(queue, keys, "LPUSH x", "RPUSH x", "LLEN", "BRPOP 1", "TYPE"),
        *_on(of_a_priority, keys, "LPUSH x", "BRPOP 1", "TYPE"),
    ]


def _on(key: str, pattern: str, *commands: str) -> Iterator[Probe]:
    """Yield commands on a key, each written as its name and what follows the key."""
    for each in commands:
        name, *rest = each.split(" ")
        yield (name, key, *rest), pattern


def _tried(server: redis.Redis, commands: Sequence[Command]) -> list[RedisError | None]:
    """Return the server's answer for each command; raise if it refuses to be asked."""
    connection = cast("Any", server.connection_pool).get_connection()
    try:
        connection.send_command("MULTI")
        # Without it they would be carried out: its refusal is raised, and nothing else is sent.
        connection.read_response()
        # Once more and in one piece: a connection that is made anew meanwhile begins with it, too.
        connection.send_packed_command(
            connection.pack_commands([("MULTI",), *commands, ("DISCARD",)])
        )
        answers = [_answer(connection) for _ in (None, *commands, None)]
    finally:
        connection.disconnect()
        server.connection_pool.release(connection)
    return answers[1:-1]


def _answer(connection: Any) -> RedisError | None:  # noqa: ANN401 - redis-py's connection
    try:
        connection.read_response()
    except ResponseError as error:
        return error
    return None


def _is_refusal(error: RedisError) -> bool:
    return getattr(error, "status_code", None) not in {None, "ERR"} or str(error).startswith(
        ("MISCONF", "NOREPLICAS")
    )
