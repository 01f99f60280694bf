"""Who may call what: the one table. The guard reads it; a route that is not in it keeps the application from starting.

A new route gets its line here, and says the same in its ``opt={"scope": ...}``.
"""

from __future__ import annotations

OPEN = "open"
"""Whoever comes: no key, no session."""
HALF = "half"
"""Any session, also one whose second factor is missing. No key."""
OWN = "own"
"""Any whole session. No key."""
ANY = "any"
"""Any good key, and any whole session."""

ROUTES: dict[tuple[str, str], str] = {
    # health
    ("GET", "/livez"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): "metrics",
    # events
    ("POST", "/v1/decisions"): "decide",
    ("POST", "/v1/events"): "decide",
    # looking back
    ("GET", "/v1/decisions"): "read",
    ("GET", "/v1/decisions/{event_id}"): "read",
    ("GET", "/v1/entities/{kind}/{entity_id}"): "read",
    # labels, lists, policies
    ("PUT", "/v1/labels"): "change",
    ("DELETE", "/v1/labels"): "change",
    ("GET", "/v1/lists"): "read",
    ("GET", "/v1/lists/{name}/entries"): "read",
    ("PUT", "/v1/lists/{name}/entries"): "change",
    ("DELETE", "/v1/lists/{name}/entries"): "change",
    ("GET", "/v1/lists/{name}/export"): "read",
    ("POST", "/v1/lists/{name}/import"): "change",
    ("GET", "/v1/policies"): "read",
    ("POST", "/v1/policies"): "policies",
    ("GET", "/v1/policies/{hash}"): "read",
    ("POST", "/v1/policies/check"): "policies",
    ("PUT", "/v1/policies/live"): "policies",
    ("POST", "/v1/policies/rollback"): "policies",
    ("GET", "/v1/snoozes"): "read",
    ("PUT", "/v1/snoozes"): "change",
    ("DELETE", "/v1/snoozes"): "change",
    ("GET", "/v1/policies/proposals"): "read",
    ("POST", "/v1/policies/proposals"): "policies",
    ("GET", "/v1/policies/proposals/{id}"): "read",
    ("POST", "/v1/policies/proposals/{id}/approve"): "policies",
    ("POST", "/v1/policies/proposals/{id}/reject"): "policies",
    ("POST", "/v1/policies/{hash}/backtest"): "policies",
    ("GET", "/v1/backtests"): "read",
    ("GET", "/v1/backtests/{id}"): "read",
    ("DELETE", "/v1/backtests/{id}"): "policies",
    ("PUT", "/v1/policies/shadow"): "policies",
    ("DELETE", "/v1/policies/shadow"): "policies",
    ("GET", "/v1/policies/shadow/compare"): "read",
    # duties
    ("GET", "/v1/duties"): "read",
    ("POST", "/v1/duties"): "operate",
    ("GET", "/v1/duties/{duty_id}"): "read",
    ("POST", "/v1/duties/{duty_id}/steps"): "operate",
    ("POST", "/v1/happenings"): "operate",
    ("GET", "/v1/gates"): "read",
    ("GET", "/v1/clocks"): "read",
    # orders, notices, campaigns
    ("GET", "/v1/orders"): "read",
    ("POST", "/v1/orders"): "operate",
    ("GET", "/v1/orders/{order_id}"): "read",
    ("GET", "/v1/orders/{order_id}/targets"): "read",
    ("GET", "/v1/orders/{order_id}/file"): "read",
    ("POST", "/v1/orders/{order_id}/steps"): "operate",
    ("GET", "/v1/issuers"): "read",
    ("GET", "/v1/programmes"): "read",
    ("POST", "/v1/programmes"): "operate",
    ("GET", "/v1/programmes/{programme_id}"): "read",
    ("POST", "/v1/programmes/{programme_id}/steps"): "operate",
    # reports, cases
    ("POST", "/v1/reports"): "report",
    ("GET", "/v1/reports/{report_id}"): "read",
    ("GET", "/v1/cases"): "read",
    ("POST", "/v1/cases"): "operate",
    ("GET", "/v1/cases/{case_id}"): "read",
    ("GET", "/v1/cases/{case_id}/reports"): "read",
    ("GET", "/v1/cases/{case_id}/similar"): "read",
    ("POST", "/v1/cases/{case_id}/steps"): "operate",
    ("GET", "/v1/queues"): "read",
    ("POST", "/v1/queues/{queue}/next"): "operate",
    ("GET", "/v1/reviewers/{name}"): "read",
    ("POST", "/v1/break"): "operate",
    ("POST", "/v1/batches"): "operate",
    ("GET", "/v1/batches/{batch_id}"): "read",
    ("POST", "/v1/batches/{batch_id}/run"): "operate",
    ("POST", "/v1/batches/{batch_id}/reverse"): "operate",
    # measures, appeals
    ("GET", "/v1/measures"): "read",
    ("GET", "/v1/measures/{measure_id}"): "read",
    ("POST", "/v1/measures/{measure_id}/lift"): "act",
    ("GET", "/v1/strikes"): "read",
    ("GET", "/v1/policy-tree"): "read",
    ("GET", "/v1/consequences"): "read",
    ("POST", "/v1/appeals"): "report",
    ("GET", "/v1/appeals"): "read",
    ("GET", "/v1/appeals/{appeal_id}"): "read",
    ("POST", "/v1/appeals/next"): "operate",
    ("POST", "/v1/appeals/{appeal_id}/steps"): "operate",
    ("GET", "/v1/appeal-rates"): "read",
    # actions
    ("GET", "/v1/actions"): "read",
    ("GET", "/v1/actions/{id}"): "read",
    ("POST", "/v1/actions/{id}/reverse"): "act",
    ("POST", "/v1/actions/lease"): "actions",
    ("POST", "/v1/actions/confirm"): "actions",
    ("POST", "/v1/actions/fail"): "actions",
    ("GET", "/v1/actions/backlog"): "read",
    ("GET", "/v1/dead-letters"): "read",
    ("POST", "/v1/dead-letters/replay"): "act",
    ("POST", "/v1/dead-letters/withdraw"): "act",
    # signing in
    ("POST", "/v1/session"): OPEN,
    ("POST", "/v1/session/link"): OPEN,
    ("POST", "/v1/session/passkey/options"): OPEN,
    ("POST", "/v1/session/passkey"): OPEN,
    ("GET", "/v1/sso/begin"): OPEN,
    ("GET", "/v1/sso/return"): OPEN,
    ("GET", "/v1/session"): HALF,
    ("DELETE", "/v1/session"): HALF,
    ("POST", "/v1/session/code"): HALF,
    ("POST", "/v1/session/totp"): HALF,
    ("PUT", "/v1/session/totp"): HALF,
    ("DELETE", "/v1/session/totp"): OWN,
    ("POST", "/v1/session/passkeys/options"): HALF,
    ("POST", "/v1/session/passkeys"): HALF,
    ("DELETE", "/v1/session/passkeys/{id}"): OWN,
    ("POST", "/v1/session/recovery-codes"): OWN,
    ("PUT", "/v1/session/password"): OWN,
    ("GET", "/v1/sessions"): OWN,
    ("DELETE", "/v1/sessions/{id}"): OWN,
    # people and keys
    ("GET", "/v1/users"): "admin",
    ("POST", "/v1/users"): "admin",
    ("PUT", "/v1/users/{id}/roles"): "admin",
    ("POST", "/v1/users/{id}/link"): "admin",
    ("POST", "/v1/users/{id}/reset"): "admin",
    ("POST", "/v1/users/{id}/disable"): "admin",
    ("POST", "/v1/users/{id}/enable"): "admin",
    ("DELETE", "/v1/users/{id}/sessions"): "admin",
    ("GET", "/v1/keys"): "admin",
    ("POST", "/v1/keys"): "admin",
    ("DELETE", "/v1/keys/{id}"): "admin",
    ("POST", "/v1/keys/{id}/rotate"): "admin",
    # the document
    ("GET", "/v1/openapi"): ANY,
    ("GET", "/v1/openapi/openapi.json"): ANY,
    ("GET", "/v1/openapi/{path}"): ANY,
}
"""For each method and path: one of the four words above, or a scope of ``model/access.py``."""
