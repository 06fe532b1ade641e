"""The command lines of the documentation, and those that one test types on a cluster, in their order."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
SHELLS = ("bash", "console", "sh", "shell")

_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<lines>.*?)^ *```", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(^|\s+)# .*$")


@dataclass(frozen=True)
class Command:
    """A command line: its page, its line there, and what is typed, without comments and on one line."""

    page: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.text}"


def commands() -> list[Command]:
    """All command lines of the pages, in order."""
    return [found for page in PAGES for found in commands_of(page)]


def commands_of(page: Path) -> list[Command]:
    """The command lines of a page. Of a console with prompts, only what stands behind one is typed."""
    found, text, name = [], page.read_text(), str(page.relative_to(ROOT))
    for block in _BLOCK.finditer(text):
        if block["language"] not in SHELLS:
            continue
        first = text.count("\n", 0, block.start("lines")) + 1
        prompts = re.search(r"^ *\$ ", block["lines"], re.MULTILINE) is not None
        begun: list[str] = []
        for number, raw in enumerate(block["lines"].splitlines(), first):
            line = _COMMENT.sub("", raw).strip()
            if prompts and not begun:
                if not line.startswith("$ "):
                    continue
                line = line.removeprefix("$ ")
            begun.append(line.removesuffix("\\").strip())
            if line.endswith(("\\", "|")):
                continue
            if whole := " ".join(begun).strip():
                found.append(Command(name, number - len(begun) + 1, whole))
            begun = []
    return found


TYPED_ON_A_CLUSTER = (
    ("docs/install.md", "kubectl apply -k crds"),
    ("docs/credentials.md", "kubectl create secret generic nvcf-credentials"),
    ("docs/functions.md", "kubectl apply -f deploy/examples/cloudfunction.yaml"),
    ("docs/functions.md", "kubectl wait --for=condition=Ready --timeout=1h fd/chat"),
    ("docs/functions.md", "kubectl get nvcf"),
    ("docs/functions.md", "kubectl annotate cf chat nvcf-operator.io/new-version-requested-at"),
    ("docs/functions.md", "kubectl annotate secret chat-secrets nvcf-operator.io/allow-function=chat"),
    ("docs/functions.md", "kubectl annotate cf chat nvcf-operator.io/reconcile-requested-at"),
    ("docs/functions.md", "kubectl annotate cf chat nvcf-operator.io/secrets-requested-at"),
    ("docs/functions.md", "kubectl delete fd chat"),
    ("docs/functions.md", "kubectl delete cf chat"),
    ("README.md", "kubectl apply -f my-function.yaml"),
    ("README.md", "kubectl wait --for=condition=Ready --timeout=1h fd/echo"),
    ("README.md", "kubectl get fd"),
    ("README.md", "kubectl wait --for=condition=Ready fd/echo && kubectl get fd"),
    ("README.md", "kubectl get events"),
    ("README.md", "kubectl get fd echo -o jsonpath"),
    ("docs/gitops.md", "kubectl wait --for=condition=Ready functiondeployment/echo --timeout=30m"),
    ("docs/gitops.md", "kubectl annotate functiondeployment echo nvcf-operator.io/paused=true"),
    ("docs/gitops.md", "kubectl annotate functiondeployment echo nvcf-operator.io/paused=false"),
    ("docs/operations.md", "kubectl get cloudfunctions,functiondeployments --all-namespaces -o wide"),
    ("docs/install.md", "kubectl -n my-team apply -f my-function.yaml"),
    ("docs/install.md", "kubectl -n my-team wait --for=condition=Ready --timeout=1h functiondeployment/echo"),
    ("docs/operations.md", "kubectl -n NAMESPACE patch functiondeployment NAME"),
)
"""Page and beginning of each command that `tests/integration/test_docs_commands.py` types, one after the other."""


def only(page: str, beginning: str) -> Command:
    """The first command of a page that begins so."""
    return next(found for found in commands() if found.page == page and found.text.startswith(beginning))
