import inspect
import re
from collections.abc import Mapping
from typing import Any

import pytest

import nas_gym
from nas_gym.problems.registration import PROBLEMS, entry_of, keywords_by_part
from tests.docs.pages import PAGES, fenced, reference


def page_of(env: str) -> str:
    return f"docs/environments/{env}.md"


def meanings_on(env: str) -> dict[str, str]:
    text = "\n".join(fenced(page_of(env), "{nas-arguments}"))
    return dict(re.findall(r"^(\w+): (.+)$", text, re.MULTILINE))


def tables_of(env: str) -> dict[str, dict[str, list[str]]]:
    """Read the tables that the site shows: cells by keyword, by what stands above the table."""
    found: dict[str, dict[str, list[str]]] = {}
    above = ""
    for line in reference().arguments_markdown(env, meanings_on(env)).splitlines():
        if line.startswith("**"):
            above = line.strip("*")
        elif line.startswith("| `"):
            keyword, *cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found.setdefault(above, {})[keyword.strip("`")] = cells
    return found


def shown(defaults: Mapping[str, Any]) -> dict[str, str]:
    return {name: "required" if value == "required" else f"`{value!r}`" for name, value in defaults.items()}


@pytest.mark.parametrize("env", PROBLEMS)
def test_page__has_the_sections_of_gymnasiums_pages(env: str) -> None:
    headings = re.findall(r"^## (.+)$", PAGES[page_of(env)], re.MULTILINE)
    assert headings == [
        "Description",
        "Action space",
        "Observation space",
        "Rewards",
        "Episode end",
        "Information",
        "Arguments",
        "Reference scores",
        "Version history",
    ]
    assert set(re.findall(r"^```\{nas-\w+\} (\S+)$", PAGES[page_of(env)], re.MULTILINE)) == {env}


@pytest.mark.parametrize("env", PROBLEMS)
def test_question__is_the_signature_of_the_problems_function(env: str) -> None:
    parameters = inspect.signature(entry_of(env).make).parameters
    defaults = {
        name: "required" if each.default is each.empty else each.default for name, each in parameters.items()
    }
    table = tables_of(env)["The question"]
    assert {name: cells[1] for name, cells in table.items()} == shown(defaults)


@pytest.mark.parametrize("env", PROBLEMS)
def test_tables__are_the_keywords_of_each_part(env: str) -> None:
    parts = {name: keywords for name, keywords in keywords_by_part(env).items() if keywords}
    tables = tables_of(env)
    read = {
        "question": "The question",
        "game": "The game",
        "books": "Books",
        "parts": "Parts that are exchanged",
    }
    for name, keywords in parts.items():
        kind, _, of = name.partition(" ")
        if kind == "recipe":
            (heading,) = (each for each in tables if each.startswith("Training"))
            assert tables.pop(heading).keys() == keywords.keys()
            continue
        table = tables.pop(read.get(name, f'`{kind}="{of}"`'))
        assert {keyword: cells[1] for keyword, cells in table.items()} == shown(keywords)
    assert not tables, "there are tables of no part"


@pytest.mark.parametrize("env", ["NAS-Moons-v0", "NAS-Digits-v0", "NAS-Brackets-v0"])
def test_recipe__has_the_values_of_each_rung(env: str) -> None:
    task = nas_gym.problem(env).task
    assert task is not None
    tables = tables_of(env)
    (heading,) = (each for each in tables if each.startswith("Training"))
    for keyword, cells in tables[heading].items():
        rungs = [task.recipe_of(rung) for rung in range(len(task.ladder))]
        values = [f"`{getattr(each, keyword)!r}`" for each in rungs]
        assert cells[1 : 1 + len(values)] == values


@pytest.mark.parametrize("env", PROBLEMS)
def test_arguments__all_have_a_type_and_a_meaning(env: str) -> None:
    for table in tables_of(env).values():
        for cells in table.values():
            assert cells[0] and cells[0] != "_empty" and len(cells[-1]) > 9


def test_arguments__refuse_a_keyword_that_there_is_not() -> None:
    with pytest.raises(ValueError, match="no keyword brightness"):
        reference().arguments_markdown("NAS-Digits-v0", {"brightness": "How bright it is."})


def test_arguments__must_say_what_a_keyword_means() -> None:
    with pytest.raises(ValueError, match="does not say what noise means"):
        reference().arguments_markdown("NAS-Moons-v0", {"size": "Number of points."})


@pytest.mark.parametrize("env", PROBLEMS)
def test_picture__is_of_a_network_of_the_space(env: str) -> None:
    space = reference().space_of(env)
    (option,) = fenced(page_of(env), "{nas-picture}")
    space.parse(option.removeprefix(":architecture: ").strip())


def test_readme_and_index__list_every_environment() -> None:
    for page in ("README.md", "docs/environments/index.md"):
        assert set(re.findall(r"NAS-[\w-]+-v0", PAGES[page])) == set(PROBLEMS), page
