"""A plan as Markdown for the comment of a pull request: a table, and details that are collapsed.

What manifests and NVCF say is shown as it is and does nothing: it formats nothing, and mentions nobody.
"""

import json
import re
from collections.abc import Sequence
from typing import Final

from nvcf_client.text import shorten
from nvcf_operator.commands.plan.model import Action, Orders, Plan, Planned, Write
from nvcf_operator.commands.plan.output import words

LIMIT: Final = 65_536
"""Characters of a comment on GitHub; GitLab takes more."""

MARKER: Final = "<!-- nvcf-operator plan -->"
"""The first line, by which a job finds its earlier comment."""

MOST_VALUE: Final = 300
MOST_TEXT: Final = 1_500
MOST_BODY: Final = 2_000
"""Characters of a value, a text and a request's body that are shown."""

LEAST_DETAILS: Final = 150
"""Characters that the details of any resource need."""

MOST_REMARKS: Final = 20
"""Warnings and notes that are shown."""

_ENTITIES = {ord(char): f"&#{ord(char)};" for char in "\\`*_[]|~#"} | {
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
}
_REFERENCE = re.compile(r"([@#!$%~&])(?=\w)")
_MARK = "\ue000"  # of the private use area, in place of what keeps a sign from being read as a reference


def text(of: str) -> str:
    """A text as it is: no markup, no mention of anybody, no link to an issue."""
    plain = shorten(words.one_line(of), MOST_TEXT).replace(_MARK, " ")
    return _REFERENCE.sub(rf"\1{_MARK}", plain).translate(_ENTITIES).replace(_MARK, "&#8203;")


def code(of: str) -> str:
    """A text as code; nobody is mentioned by code."""
    return f"<code>{shorten(words.one_line(of), MOST_TEXT).translate(_ENTITIES)}</code>"


def render(plan: Plan, *, warnings: Sequence[str] = (), limit: int = LIMIT) -> str:
    """Print a plan in at most `limit` characters.

    Where that is too little, the details of some resources are left out first, those that fail last; then rows of the
    table, those that are unchanged first and those that fail last. A sentence says so.
    """
    head = f"{MARKER}\n### {_headline(plan)}\n"
    remarks = _remarks([*(f"Warning: {item}" for item in warnings), *plan.notes], limit // 4)
    room = limit - _size(head) - _size(remarks) - 600  # for the sentences about what is left out
    table, rows_left_out = _table(plan, room)
    room -= _size(table)
    details: dict[int, str] = {}
    left_out = 0
    for index, item in sorted(enumerate(plan.planned), key=lambda each: _importance(each[1])):
        if item.action == Action.UNCHANGED and not item.notes:
            continue
        block = _details(item) if room > LEAST_DETAILS else ""
        if not block or _size(block) > room:
            left_out += 1
            continue
        room -= _size(block)
        details[index] = block
    sentences = [
        f"{rows_left_out} rows of the table are left out to fit into a comment." if rows_left_out else "",
        f"The details of {left_out} of {len(plan.planned)} resources are left out to fit into a comment: "
        "the output as text has them all."
        if left_out
        else "",
    ]
    said = "".join(f"\n{sentence}\n" for sentence in sentences if sentence)
    return head + table + said + "".join(details[index] for index in sorted(details)) + remarks


def _size(of: str) -> int:
    """Characters as GitHub counts them at worst: in UTF-16."""
    return len(of.encode("utf-16-le", "replace")) // 2


def _importance(item: Planned) -> int:
    if item.action.fails:
        return 0
    return 1 if item.downtime or item.action in (Action.REDEPLOY, Action.ROLLOUT, Action.DELETE) else 2


def _rank(item: Planned) -> int:
    """As `_importance`, for rows: what is unchanged comes last."""
    return 3 if item.action == Action.UNCHANGED else _importance(item)


def _headline(plan: Plan) -> str:
    return f"nvcf-operator plan: {words.counted(plan)}"


def _table(plan: Plan, room: int) -> tuple[str, int]:
    """The table, and how many of its rows are left out."""
    if not plan.planned:
        return f"\n{words.summary(plan)}\n", 0
    head = "\n| | Resource | Action | Instances | GPUs |\n|---|---|---|---|---|\n"
    total = f"| | **In all** | | {_instances(plan.orders)} | {_gpus(plan.orders)} |\n"
    room -= _size(head) + _size(total)
    kept: dict[int, str] = {}
    order = sorted(enumerate(plan.planned), key=lambda each: _rank(each[1]))
    for index, item in order:
        row = _row(item)
        if _size(row) > room:
            break
        room -= _size(row)
        kept[index] = row
    return head + "".join(kept[index] for index in sorted(kept)) + total, len(plan.planned) - len(kept)


def _row(item: Planned) -> str:
    counts = (_instances(item.orders), _gpus(item.orders)) if words.orders_anything(item.orders) else ("", "")
    cells = (code(words.MARKS[item.action]), _title(item), text(words.phrase(item)), *counts)
    return f"| {' | '.join(cells)} |\n"


def _title(item: Planned) -> str:
    return f"{item.kind} {code(f'{item.namespace}/{item.name}')}"


def _instances(orders: Orders) -> str:
    meanwhile = f" (meanwhile {words.instances(orders.during)})" if words.holds_more_meanwhile(orders) else ""
    return _arrow(words.instances(orders.now), words.instances(orders.then)) + meanwhile


def _gpus(orders: Orders) -> str:
    meanwhile = f" (meanwhile {words.gpus(orders.during)})" if words.holds_more_meanwhile(orders) else ""
    return _arrow(words.gpus(orders.now), words.gpus(orders.then)) + meanwhile


def _arrow(old: str, new: str) -> str:
    return new if old == new else f"{old} → {new}"


def _details(item: Planned) -> str:
    parts = [f"From {code(words.source(item))}."]
    if item.changes:
        rows = (
            f"| {code(x.path)} | {_value(words.shown_before(x))} | {_value(words.value(x.after))} |"
            for x in item.changes
        )
        parts.append("\n".join(("| Field | Now | Then |", "|---|---|---|", *rows)))
    if item.message or item.reason:
        parts.append(": ".join(text(each) for each in (item.reason, item.message) if each))
    if item.ways_out:
        parts.append("\n".join(f"- {text(way)}" for way in item.ways_out))
    if item.first_write is not None:
        parts.append(_write(item.first_write))
    parts += [f"Note: {text(note)}" for note in item.notes]
    summary = f"<code>{words.MARKS[item.action]}</code> {_title(item)}: {text(words.phrase(item))}"
    content = "\n\n".join(parts)
    return f"\n<details><summary>{summary}</summary>\n\n{content}\n\n</details>\n"


def _value(of: str) -> str:
    return code(shorten(of, MOST_VALUE))


def _write(write: Write) -> str:
    first = f"First write: {code(f'{write.method} {write.path}')}"
    if write.body is None:
        return first
    body = json.dumps(write.body, indent=2, ensure_ascii=False)
    body = shorten("\n".join(words.printable(line) for line in body.splitlines()), MOST_BODY)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", body)), default=0))
    return f"{first}\n\n{fence}json\n{body}\n{fence}"


def _remarks(lines: Sequence[str], room: int) -> str:
    shown: list[str] = []
    for line in lines[:MOST_REMARKS]:
        item = f"- {text(line)}\n"
        room -= _size(item)
        if room < 0:
            break
        shown.append(item)
    if len(lines) > len(shown):
        shown.append(f"- and {len(lines) - len(shown)} more, which the output as text has\n")
    return "\n" + "".join(shown) if shown else ""
