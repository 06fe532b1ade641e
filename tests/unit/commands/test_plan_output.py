"""A plan as text, Markdown and JSON: what is said, and that what others wrote does nothing to a terminal or a page."""

import json
import re
from dataclasses import replace

import pytest

from nvcf_operator.commands.plan.model import (
    Action,
    Amount,
    Basis,
    FieldChange,
    Orders,
    Plan,
    Planned,
    Source,
    Write,
)
from nvcf_operator.commands.plan.output import markdown, structured, text, words

ODD = "grün <b>|`x` @octocat #12 \x1b[31m\u202e a  b"
PATCH = Planned(
    "FunctionDeployment",
    "team-a",
    "chat",
    Source("apps/chat.yaml", 2),
    Action.PATCH,
    reason="Changing",
    message="maxInstances is changed by PATCH.",
    changes=(FieldChange("deploymentSpecifications[0].maxInstances", 4, 8),),
    first_write=Write("PATCH", "/deployments/functions/f/versions/v", {"maxInstances": 8}),
    orders=Orders(Amount(1, 4, 1, 4), Amount(1, 8, 1, 8), Amount(1, 8, 1, 8)),
    basis=Basis.MERGED,
)
REFUSED = Planned(
    "FunctionDeployment",
    "team-a",
    "echo",
    Source("-", 1),
    Action.REFUSE,
    reason="ImmutableChange",
    message=ODD,
    ways_out=("Set it back.", "Set spec.rollout.immutableChange to Redeploy."),
    changes=(FieldChange("deploymentSpecifications[0].gpu", "L40S", ODD),),
    orders=Orders(Amount(1, 1, None, None), Amount(1, 1, None, None), Amount(1, 1, None, None)),
)
ROLLOUT = replace(
    PATCH,
    name="rolls",
    action=Action.ROLLOUT,
    adopts=True,
    after="llama",
    first_write=None,
    changes=(),
    message="",
    orders=Orders(Amount(1, 2, 8, 16), Amount(2, 4, 16, 32), Amount(1, 2, 8, 16)),
)
QUIET = Planned("CloudFunction", "team-a", "llama", Source("a.yaml"), Action.UNCHANGED)
PLAN = Plan((PATCH, REFUSED, ROLLOUT, QUIET), skipped=3, notes=("3 documents of other kinds were skipped.",))


def test_text() -> None:
    assert text.render(PLAN, warnings=["a.yaml: unknown field spec.x: it is dropped"]) == (
        """\
~   FunctionDeployment team-a/chat: change in place by PATCH
      from apps/chat.yaml, document 2
      deploymentSpecifications[0].maxInstances: 4 -> 8
      Changing: maxInstances is changed by PATCH.
      first write: PATCH /deployments/functions/f/versions/v {"maxInstances": 8}
      instances 1-4 -> 1-8, GPUs 1-4 -> 1-8

!   FunctionDeployment team-a/echo: refused
      from standard input, document 1
      deploymentSpecifications[0].gpu: "L40S" -> "grün <b>|`x` @octocat #12 \\u001b[31m  a  b"
      ImmutableChange: grün <b>|`x` @octocat #12 [31m a b
      - Set it back.
      - Set spec.rollout.immutableChange to Redeploy.
      instances 1 -> 1

+/- FunctionDeployment team-a/rolls: roll out beside the version that serves, both hold GPUs meanwhile, and adopt """
        """what NVCF has, after CloudFunction llama
      from apps/chat.yaml, document 2
      Changing
      instances 1-2 -> 1-2, GPUs 8-16 -> 8-16; meanwhile instances 2-4, GPUs 16-32

=   CloudFunction team-a/llama: unchanged

Warning: a.yaml: unknown field spec.x: it is dropped
Note: 3 documents of other kinds were skipped.

Plan: 1 patch, 1 rollout, 1 refuse, 1 unchanged.
Ordered in all: instances 3-7 -> 3-11; meanwhile instances 4-13
""".replace("1 patch, 1 rollout, 1 refuse, 1 unchanged", words.counted(PLAN))
    )


def test_colour_is_only_in_titles() -> None:
    plain, coloured = text.render(PLAN), text.render(PLAN, colour=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
    assert coloured.startswith("\x1b[33m")


def test_more_gpus_meanwhile_are_said_though_there_are_no_more_instances() -> None:
    larger, smaller = Amount(4, 4, 32, 32), Amount(4, 4, 4, 4)
    up = replace(PATCH, action=Action.REDEPLOY, orders=Orders(smaller, larger, larger))
    down = replace(PATCH, action=Action.REDEPLOY, orders=Orders(larger, larger, smaller))
    found = text.render(Plan((up, down)))
    assert found.endswith("Ordered in all: instances 8 -> 8, GPUs 36 -> 36; meanwhile instances 8, GPUs 64\n")
    assert "36 (meanwhile 64)" in markdown.render(Plan((up, down)))


def test_nothing_changes_and_nothing_is_there() -> None:
    assert text.render(Plan((QUIET,))).endswith("\n\nNo changes: 1 unchanged.\n")
    assert text.render(Plan(())).startswith("Nothing to plan")
    assert "Nothing to plan" in markdown.render(Plan(()))


def test_every_action_has_a_mark_and_a_phrase() -> None:
    assert set(words.MARKS) == set(words.PHRASES) == set(Action)


@pytest.mark.parametrize(
    "path", ["deploymentSpecifications[0].configuration.key", "template.containerEnvironment[0].value"]
)
def test_what_only_nvcf_knows_and_may_be_secret_is_not_shown(path: str) -> None:
    plan = Plan((replace(PATCH, changes=(FieldChange(path, "geheim", "offen"),)),))
    for shown in (text.render(plan), markdown.render(plan), structured.render(plan)):
        assert "geheim" not in shown
        assert words.HIDDEN in shown
        assert "offen" in shown


def test_json() -> None:
    found = json.loads(structured.render(PLAN, warnings=["w"], clean=lambda text: text.replace("octocat", "[key]")))
    assert list(found) == ["version", "exitCode", "counts", "orders", "skipped", "notes", "warnings", "resources"]
    assert (found["version"], found["exitCode"], found["skipped"], found["warnings"]) == (1, 1, 3, ["w"])
    assert found["resources"][0] == {
        "kind": "FunctionDeployment",
        "namespace": "team-a",
        "name": "chat",
        "source": {"file": "apps/chat.yaml", "document": 2},
        "basis": "merged",
        "action": "patch",
        "changes": True,
        "fails": False,
        "reason": "Changing",
        "message": "maxInstances is changed by PATCH.",
        "waysOut": [],
        "fields": [{"path": "deploymentSpecifications[0].maxInstances", "before": 4, "after": 8}],
        "firstWrite": {
            "method": "PATCH",
            "path": "/deployments/functions/f/versions/v",
            "body": {"maxInstances": 8},
        },
        "after": None,
        "adopts": False,
        "downtime": False,
        "orders": {
            "now": {"minInstances": 1, "maxInstances": 4, "minGpus": 1, "maxGpus": 4},
            "during": {"minInstances": 1, "maxInstances": 8, "minGpus": 1, "maxGpus": 8},
            "then": {"minInstances": 1, "maxInstances": 8, "minGpus": 1, "maxGpus": 8},
        },
        "notes": [],
    }
    assert "octocat" not in json.dumps(found)
    assert found["resources"][1]["message"] == ODD.replace("octocat", "[key]")


def test_markdown() -> None:
    found = markdown.render(PLAN, warnings=[ODD])
    assert found.startswith(f"{markdown.MARKER}\n### nvcf-operator plan: ")
    assert (
        "| <code>&#126;</code> | FunctionDeployment <code>team-a/chat</code> | change in place by PATCH | 1-4 → 1-8 |"
        in found
    )
    assert "| | **In all** | | 3-7 → 3-11 (meanwhile 4-13) | ? (meanwhile ?) |" in found
    assert found.count("<details>") == found.count("</details>") == 3
    assert '```json\n{\n  "maxInstances": 8\n}\n```' in found
    assert "\n- Warning: grün &lt;b&gt;&#124;&#96;x&#96; @&#8203;octocat &#35;&#8203;12 &#91;31m a b\n" in found


def test_markdown_mentions_nobody_and_holds_no_markup_of_others() -> None:
    code_or_tag = re.compile(r"<code>[^<]*</code>|</?(details|summary)>|<!-- nvcf-operator plan -->")
    outside = code_or_tag.sub("", markdown.render(PLAN, warnings=[ODD]))
    assert "<" not in outside
    assert not re.search(r"@\w", outside)
    assert "\x1b" not in outside


def test_a_body_cannot_end_its_block() -> None:
    body = {"a": "````\n</details> @octocat"}
    found = markdown.render(Plan((replace(PATCH, first_write=Write("POST", "/x", body)),)))
    assert '`````json\n{\n  "a": "````\\n</details> @octocat"\n}\n`````' in found


def many(number: int) -> Plan:
    changed = [replace(PATCH, name=f"chat-{i}", message="ü" * 900) for i in range(number)]
    quiet = [replace(QUIET, name=f"quiet-{i}") for i in range(number)]
    return Plan((*quiet, *changed, replace(REFUSED, name="last")))


def test_markdown_fits_a_comment_by_leaving_out_details_first() -> None:
    found = markdown.render(many(100))
    assert len(found) <= markdown.LIMIT
    left_out = 101 - found.count("<details>")
    assert f"The details of {left_out} of 201 resources are left out" in found
    assert "rows of the table" not in found
    assert found.count("quiet-") == 100
    assert "<code>team-a/last</code>: refused</summary>" in found  # what fails stays


def test_markdown_leaves_out_rows_where_a_table_alone_is_too_long() -> None:
    found = markdown.render(many(600), warnings=[ODD * 50] * 100)
    assert len(found) <= markdown.LIMIT
    assert re.search(r"\n\d+ rows of the table are left out", found)
    assert "quiet-" not in found
    assert "<code>team-a/last</code> | refused |" in found  # what fails stays
    assert re.search(r"\n- and \d\d more, which the output as text has\n$", found)


@pytest.mark.parametrize("limit", [2_000, 5_000, 20_000])
def test_markdown_keeps_any_limit(limit: int) -> None:
    assert len(markdown.render(many(50), limit=limit)) <= limit
