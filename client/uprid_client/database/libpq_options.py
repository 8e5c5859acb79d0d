"""The options that a PostgreSQL address may hold: libpq's, version 18.

Written down, and not asked for where they are needed: a process that is being configured loads no
driver. A test compares them with what the driver's own library knows.
"""

from collections.abc import Mapping
from typing import Final

NAMES: Final = frozenset({
    "service", "servicefile", "user", "password", "passfile", "channel_binding",
    "connect_timeout", "dbname", "host", "hostaddr", "port", "client_encoding", "options",
    "application_name", "fallback_application_name", "keepalives", "keepalives_idle",
    "keepalives_interval", "keepalives_count", "tcp_user_timeout", "sslmode", "sslnegotiation",
    "sslcompression", "sslcert", "sslkey", "sslcertmode", "sslpassword", "sslrootcert",
    "sslcrl", "sslcrldir", "sslsni", "requirepeer", "require_auth", "min_protocol_version",
    "max_protocol_version", "ssl_min_protocol_version", "ssl_max_protocol_version",
    "gssencmode", "krbsrvname", "gsslib", "gssdelegation", "replication",
    "target_session_attrs", "load_balance_hosts", "scram_client_key", "scram_server_key",
    "oauth_issuer", "oauth_client_id", "oauth_client_secret", "oauth_scope", "sslkeylogfile",
})  # fmt: skip
#: What a process relies on: any other value is refused.
OURS: Final[Mapping[str, frozenset[str]]] = {
    "client_encoding": frozenset({"utf8", "utf-8", "unicode"}),
    "replication": frozenset({"false", "off", "no", "0"}),
}
CHOICES: Final[Mapping[str, frozenset[str]]] = {
    "sslmode": frozenset(["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]),
    "sslnegotiation": frozenset({"postgres", "direct"}),
    "sslcertmode": frozenset({"disable", "allow", "require"}),
    "channel_binding": frozenset({"disable", "prefer", "require"}),
    "gssencmode": frozenset({"disable", "prefer", "require"}),
    "load_balance_hosts": frozenset({"disable", "random"}),
    "target_session_attrs": frozenset(
        ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"]
    ),
}
NUMBERS: Final = frozenset(
    [
        "connect_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
    ]
)
#: Read when a connection is made; looked for at the start.
FILES: Final = frozenset({"sslrootcert", "sslcert", "sslkey", "sslcrl"})
