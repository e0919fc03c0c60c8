"""What stands in the README and on the pages of the site."""

import importlib.util
import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
GENERATED = ("_build", "_generated", "jupyter_execute", ".jupyter_cache")
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
    if not set(path.relative_to(ROOT).parts) & set(GENERATED)
}
FENCE = re.compile(r"^(`{3,})(\S*).*?\n(.*?)^\1 *$", re.DOTALL | re.MULTILINE)


def fenced(page: str, language: str) -> list[str]:
    """Return the content of a page's fenced blocks in a language."""
    return [content for _, named, content in FENCE.findall(PAGES[page]) if named == language]


def commands_of(page: str) -> list[str]:
    """Return the commands of ours on a page: in blocks, indented, and those in tables."""
    text = re.sub(r" *\\\n *", " ", PAGES[page])  # one that goes on in the next line is one
    blocks = re.sub(r" *\\\n *", " ", "\n".join(fenced(page, "sh")))
    lines = [*blocks.splitlines(), *re.findall(r"^    (\S.*)$", text, re.MULTILINE)]
    lines += re.findall(r"^\| `([^`]*)` \|", PAGES[page], re.MULTILINE)
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in parts if re.match(r"python scripts/|nas-gym ", part)]


def anchors_of(page: str) -> set[str]:
    """Return what a link to a heading of a page may name, as GitHub and MyST make it."""
    prose = FENCE.sub("", PAGES[page])
    headings = re.findall(r"^#+ (.+)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_of(page: str) -> list[str]:
    """Return the targets of a page's links and images within the repository."""
    prose = FENCE.sub("", PAGES[page])
    targets = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose))
    return [target for target in targets if not re.match(r"\w+:", target)]


@cache
def reference() -> ModuleType:
    """Return what makes the pages' tables, which is on no import path."""
    spec = importlib.util.spec_from_file_location("reference", DOCS / "_extensions" / "reference.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["reference"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
