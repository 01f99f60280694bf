"""The only place that picks parts and joins them; parts are imported when they are asked for."""

from trustward.bootstrap.database import (
    backup_store,
    check_store,
    create_key,
    list_keys,
    restore_store,
    revoke_key,
    rotate_key,
    upgrade,
)
from trustward.bootstrap.operations import Operations, book, list_duties, operations, show_duty
from trustward.bootstrap.people import create_link, disable_user, list_users, reset_user, rules, signing_in
from trustward.bootstrap.policies import catalogue, check, compiler, load, packs, policy, policy_path, stored_policy
from trustward.bootstrap.replaying import Progress, backtest, replay
from trustward.bootstrap.service import (
    deciding,
    delivering,
    indexing,
    polling,
    service_settings,
    store,
    trying,
    working,
)

__all__ = [
    "Operations",
    "Progress",
    "backtest",
    "backup_store",
    "book",
    "catalogue",
    "check",
    "check_store",
    "compiler",
    "create_key",
    "create_link",
    "deciding",
    "delivering",
    "disable_user",
    "indexing",
    "list_duties",
    "list_keys",
    "list_users",
    "load",
    "operations",
    "packs",
    "policy",
    "policy_path",
    "polling",
    "replay",
    "reset_user",
    "restore_store",
    "revoke_key",
    "rotate_key",
    "rules",
    "service_settings",
    "show_duty",
    "signing_in",
    "store",
    "stored_policy",
    "trying",
    "upgrade",
    "working",
]
