"""What would be done about functions first: what their followers would do then is asked as if it were done."""

import json
import re
import uuid
from dataclasses import replace
from typing import Any

from nvcf_operator.api.names import Key
from nvcf_operator.commands.plan.loop.objects import NEW_UIDS, new_uid
from nvcf_operator.commands.plan.loop.operation import Operation
from nvcf_operator.commands.plan.model import FieldChange, Write
from nvcf_operator.core.functions.decide import decide
from nvcf_operator.core.functions.model.decision import (
    FunctionAction,
    Register,
    RemoveRateLimit,
    SendSecrets,
    UpdateVersion,
)
from nvcf_operator.core.functions.model.mark import PREFIX, compact
from nvcf_operator.core.functions.model.resource import CloudFunction
from nvcf_operator.core.functions.model.situation import FunctionSituation
from nvcf_operator.core.functions.report.status import report
from nvcf_operator.core.rules.poll_rules import Entry
from nvcf_operator.reconcile.stages import AnyContext
from nvcf_operator.state.versions_up_to_date import Findings

FUNCTION, VERSION = "<new function>", "<new version>"
"""What stands in a write for ids that NVCF has yet to give."""

UID, TOKEN = "<uid>", "<token>"
"""The same for an object that the cluster has yet to make, and for a registration."""

MOST_CHANGES = 64
"""Changes in place of one function that are taken as made."""

_TOKEN = re.compile(rf"({re.escape(PREFIX)}[^:]*:[0-9a-f]{{16}}:)[0-9a-f]{{16}}")
"""The token in a mark. Each POST makes one of its own."""


class Expected:
    """What would be registered, and brought up to date in place.

    Args:
        operation: the operator that a plan asks.

    """

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._due: dict[Key, FunctionSituation] = {}
        """By CloudFunction, what is known once its first write is made."""
        self._names: dict[str, str] = {}
        """Names for ids that are not known yet."""

    def writes(self, key: Key, context: AnyContext, action: FunctionAction) -> None:
        """Note the first write about a CloudFunction."""
        if isinstance(action, Register | UpdateVersion | RemoveRateLimit | SendSecrets):
            self._due[key] = replace(context.situation, wrote=action)

    def take_in(self, key: Key) -> bool:
        """Have a CloudFunction's first write answered, in memory; whether there is one that its followers wait for."""
        resource, situation = self._operation.get(key), self._due.get(key)
        if not isinstance(resource, CloudFunction) or situation is None:
            return False
        action = situation.wrote
        if not isinstance(action, Register):
            self._changed(key, resource, situation)
            return True
        function = action.function_id or _made_up(key, "function")
        version = _made_up(key, "version")
        if version not in self._names:
            self._names |= {version: VERSION} | ({function: FUNCTION} if action.function_id is None else {})
            self._operation.unborn.add(version)
            self._answer(key, resource, action, function, version)
        return True

    def _changed(self, key: Key, resource: CloudFunction, situation: FunctionSituation) -> None:
        """Record what the operator would once all versions in use are up to date."""
        for _ in range(MOST_CHANGES):
            situation = _after(situation)
            due = decide(replace(situation, wrote=None))
            if not isinstance(due.action, UpdateVersion | RemoveRateLimit):
                break
            situation = replace(situation, wrote=due.action)
        status = report(situation, decide(situation)).to_dict()
        self._operation.apply({**self._operation.api.objects[key], "status": status})
        versions = frozenset(seen.version_id for seen in situation.shown)
        self._operation.environment.up_to_date.note(key, Findings(resource.uid, resource.generation, versions))

    def _answer(self, key: Key, resource: CloudFunction, action: Register, function: str, version: str) -> None:
        operation = self._operation
        obj = operation.api.objects[key]
        status = {**(obj.get("status") or {})}
        latest = {"versionId": version, "hash": action.hash, "generation": resource.generation}
        entry = {"versionId": version, "hash": action.hash}
        if action.revision is not None:
            latest["revision"] = entry["revision"] = action.revision
        status.pop("intent", None)
        status |= {
            "functionId": function,
            "latest": latest,
            "versions": [entry, *(status.get("versions") or ())],
            "observedGeneration": resource.generation,
            "uid": resource.uid,
        }
        status["conditions"] = [item for item in status.get("conditions") or () if item["type"] != "Stalled"]
        operation.apply({**obj, "status": status})
        findings = Findings(resource.uid, resource.generation, frozenset({version}))
        operation.environment.up_to_date.note(key, findings)
        account = operation.accounts.known(key)
        for one in operation.accounts:
            if one.listing is not None and (account is None or one.credential.base_url == account.credential.base_url):
                ids = one.listing.account_ids
                entry_of_list = Entry(function, "INACTIVE", next(iter(ids), ""), True)
                one.listing = replace(one.listing, entries={**one.listing.entries, version: entry_of_list})

    def named(self, key: Key, write: Write) -> Write:
        """A resource's first write with words in place of ids that are not known yet."""
        uid = new_uid(key)
        return _renamed(write, {**self._names, uid: UID, compact(uid): UID})

    def text(self, text: str) -> str:
        """A text with the same words in place of such ids."""
        for found, name in self._names.items():
            text = text.replace(found, name)
        return text

    def change(self, change: FieldChange) -> FieldChange:
        """A change with the same words in place of such ids."""
        return replace(change, after=self.text(change.after)) if isinstance(change.after, str) else change


def _after(situation: FunctionSituation) -> FunctionSituation:
    """The situation with a version as a change of its tags or rate limit leaves it."""
    action, wanted = situation.wrote, situation.resource.metadata
    changes: dict[str, Any] = {}
    if isinstance(action, RemoveRateLimit):
        changes["rate_limit"] = None
    elif isinstance(action, UpdateVersion):
        changes |= {"tags": action.tags} if action.tags is not None else {}
        changes |= {"rate_limit": wanted.rate_limit} if action.rate_limit else {}
    else:
        return situation
    shown = [replace(x, **changes) if x.version_id == action.version_id else x for x in situation.versions]
    return replace(situation, versions=tuple(shown))


def _made_up(key: Key, what: str) -> str:
    return str(uuid.uuid5(NEW_UIDS, f"{what} of {key.namespace}/{key.name}"))


def _renamed(write: Write, names: dict[str, str]) -> Write:
    path, body = write.path, json.dumps(write.body)
    for found, name in names.items():
        path, body = path.replace(found, name), body.replace(found, name)
    if write.method == "POST":
        body = _TOKEN.sub(rf"\1{TOKEN}", body)
    return replace(write, path=path, body=json.loads(body))
