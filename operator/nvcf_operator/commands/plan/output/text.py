"""A plan as text for a terminal: a block for each resource that is not unchanged, and the sums."""

from collections.abc import Iterator, Sequence
from typing import Final

import click

from nvcf_client.text import shorten
from nvcf_operator.commands.plan.model import Action, Orders, Plan, Planned
from nvcf_operator.commands.plan.output import words

MOST_VALUE: Final = 160
"""Characters of a value that are shown."""

MOST_BODY: Final = 400
"""Characters of a request's body that are shown."""

_COLOURS = {"+": "green", "~": "yellow", "-": "red", "-/+": "red", "+/-": "yellow", "!": "red", "?": "cyan"}


def render(plan: Plan, *, warnings: Sequence[str] = (), colour: bool = False) -> str:
    """Print a plan."""
    blocks = ["\n".join(_block(item, colour)) for item in plan.planned if not _is_quiet(item)]
    quiet = [_title(item, colour) for item in plan.planned if _is_quiet(item)]
    if quiet:
        blocks.append("\n".join(quiet))
    remarks = [
        *(f"Warning: {words.one_line(text)}" for text in warnings),
        *(f"Note: {words.one_line(text)}" for text in plan.notes),
    ]
    if remarks:
        blocks.append("\n".join(remarks))
    last = [words.summary(plan)]
    if words.orders_anything(plan.orders):
        last.append("Ordered in all: " + _orders(plan.orders))
    blocks.append("\n".join(last))
    return "\n\n".join(blocks) + "\n"


def _is_quiet(item: Planned) -> bool:
    return item.action == Action.UNCHANGED and not item.notes


def _title(item: Planned, colour: bool) -> str:
    mark = words.MARKS[item.action]
    text = f"{mark:<3} {words.one_line(item.title)}: {words.phrase(item)}"
    if colour and mark in _COLOURS:
        text = click.style(text, fg=_COLOURS[mark], bold=True)
    return text


def _block(item: Planned, colour: bool) -> Iterator[str]:
    indent = " " * 6
    yield _title(item, colour)
    yield f"{indent}from {words.source(item)}"
    for change in item.changes:
        old, new = shorten(words.shown_before(change), MOST_VALUE), shorten(words.value(change.after), MOST_VALUE)
        yield f"{indent}{words.one_line(change.path)}: {old} -> {new}"
    if item.message or item.reason:
        yield indent + words.one_line(": ".join(filter(None, (item.reason, item.message))))
    for way in item.ways_out:
        yield f"{indent}- {words.one_line(way)}"
    if (write := item.first_write) is not None:
        body = f" {words.body(write.body, MOST_BODY)}" if write.body is not None else ""
        yield f"{indent}first write: {write.method} {words.one_line(write.path)}{body}"
    if words.orders_anything(item.orders):
        yield indent + _orders(item.orders)
    yield from (f"{indent}note: {words.one_line(note)}" for note in item.notes)


def _orders(orders: Orders) -> str:
    """What is ordered now and then, and meanwhile where that is more."""
    now, then, known = orders.now, orders.then, words.known_gpus(orders)
    text = f"instances {words.instances(now)} -> {words.instances(then)}"
    text += f", GPUs {words.gpus(now)} -> {words.gpus(then)}" if known else ""
    if words.holds_more_meanwhile(orders):
        text += f"; meanwhile instances {words.instances(orders.during)}"
        text += f", GPUs {words.gpus(orders.during)}" if known else ""
    return text
