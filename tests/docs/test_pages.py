import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents import AGENTS
from nas_gym import cli, command_line
from tests.docs.pages import DOCS, PAGES, ROOT, anchors_of, commands_of, fenced, links_of

SNIPPETS = {
    snippet: f"{page} {number}" for page in PAGES for number, snippet in enumerate(fenced(page, "python"))
}
"""Each once, with the last page it stands on."""
COMMANDS = sorted({command for page in PAGES for command in commands_of(page)})


@pytest.fixture
def agents_as_before() -> Iterator[None]:
    before = dict(AGENTS)
    yield
    AGENTS.clear()
    AGENTS.update(before)


@pytest.mark.slow  # some import stable-baselines3, some search for a network
@pytest.mark.timeout(180)
@pytest.mark.parametrize("snippet", SNIPPETS, ids=list(SNIPPETS.values()))
def test_snippet__runs(
    snippet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agents_as_before: None
) -> None:
    if "torchrl" in snippet:
        pytest.importorskip("torchrl")
    monkeypatch.chdir(tmp_path)
    exec(compile(snippet, SNIPPETS[snippet], "exec"), {"__name__": "snippet"})


def test_pages__have_snippets_and_commands() -> None:
    assert len(SNIPPETS) > 15 and len(COMMANDS) > 25


@pytest.mark.slow  # two scripts import PyTorch and pandas
@pytest.mark.timeout(60)
@pytest.mark.parametrize("command", COMMANDS)
def test_command__is_understood(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["0" if word == "S" else word for word in shlex.split(command)]  # S stands for a seed
    for module in (cli, command_line):
        monkeypatch.setattr(module, "end_with", lambda main, go_on: None)
    if words[0] == "nas-gym":
        monkeypatch.setattr(sys, "argv", words)
        cli.main()
        return
    script = ROOT / words[1]
    monkeypatch.syspath_prepend(script.parent)
    if "command_line" in script.read_text() or "run_script" in script.read_text():
        monkeypatch.setattr(sys, "argv", words[1:])
        runpy.run_path(str(script), run_name="__main__")
    else:  # a script that reads its own words: here without any
        assert len(words) == 2, f"{command} is not checked"


@pytest.mark.parametrize("page", PAGES)
def test_links__lead_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    for link in links_of(page):
        path, _, anchor = link.partition("#")
        target = (ROOT / page if not path else folder / path).resolve()
        name = str(target.relative_to(ROOT))
        assert target.exists(), f"{page}: there is no {link}"
        if anchor:
            assert anchor in anchors_of(name), f"{page}: there is no heading for {link}"


def test_site__has_every_page_in_a_table_of_contents() -> None:
    listed = {
        (DOCS / page).parent.joinpath(entry).resolve().with_suffix(".md")
        for page, entries in (
            (page.removeprefix("docs/"), "\n".join(fenced(page, "{toctree}")).splitlines())
            for page in PAGES
            if page.startswith("docs/")
        )
        for entry in entries
        if entry and not entry.startswith(":")
    }
    pages = {(ROOT / page).resolve() for page in PAGES if page.startswith("docs/")}
    assert pages - listed == {(DOCS / "index.md").resolve()}
