"""The code blocks of the client's documentation, and how to run one."""

import ast
import asyncio
import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
OLD_ID = "3e4666bf-d5e5-4aa7-b8ce-cefe41c7568a"
"""Both ids of the old SDK's documentation."""


@dataclass(frozen=True)
class Block:
    """A code block: the heading that it stands under, its line on the page, its code."""

    heading: str
    line: int
    code: str

    def __str__(self) -> str:
        return f"{self.heading}, line {self.line}"


def blocks() -> list[Block]:
    """All Python blocks of the page, in order."""
    text = PAGE.read_text()
    found = []
    for match in re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        before = text[: match.start()]
        heading = re.findall(r"^#+ (.*)$", before, re.MULTILINE)[-1]
        found.append(Block(heading, before.count("\n") + 1, match[1]))
    return found


def run(code: str) -> dict[str, Any]:
    """Run code as it is printed, which may await at its top level, close its client, and give all that it named."""
    names: dict[str, Any] = {}
    compiled = compile(code, str(PAGE), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def whole() -> None:
        awaits = bool(compiled.co_flags & inspect.CO_COROUTINE)
        try:
            if awaits:
                await eval(compiled, names)
            else:
                exec(compiled, names)
        finally:
            if "client" in names and awaits:
                await names["client"].aclose()
            elif "client" in names:
                names["client"].close()

    asyncio.run(whole())
    return names
