import shlex
from dataclasses import replace

import pytest

from agents import AGENTS, REINFORCE_FORMS
from nas_gym.command_line import parse_keywords
from nas_gym.studies.report.command import command_of
from tests.nas_gym.studies.episodes import SETTINGS


def test_command__names_all_that_decides() -> None:
    command = command_of(
        replace(SETTINGS, env_kwargs={"noise": 0.3, "space": {"widths": [4]}, "path": "a b"})
    )
    assert command is not None
    words = shlex.split(command)
    assert words[:10] == "nas-gym search --env NAS-Moons-v0 --form faithful --episodes 6 --seed 7".split()
    assert parse_keywords(words[words.index("--env-kwargs") + 1 :]) == {
        "noise": 0.3,
        "space": {"widths": [4]},
        "path": "a b",
    }


@pytest.mark.parametrize("form", REINFORCE_FORMS)
@pytest.mark.parametrize("cell", ["gru", "lstm", None])
def test_command__names_the_form_of_reinforce(form: str, cell: str | None) -> None:
    arguments = {**REINFORCE_FORMS[form].arguments, **({} if cell is None else {"cell": cell})}
    command = command_of(replace(SETTINGS, agent_arguments=arguments, minutes=1.5))
    assert command is not None and f" --form {form} " in command and " --minutes 1.5 " in command
    assert ("--cell lstm" in command) == (cell == "lstm") and "--cell gru" not in command


@pytest.mark.parametrize("agent", [*(name for name in AGENTS if name != "reinforce"), "random"])
def test_command__names_other_agents(agent: str) -> None:
    arguments = AGENTS["random_search" if agent == "random" else agent].arguments
    command = command_of(replace(SETTINGS, agent=agent, agent_arguments=arguments))
    assert command is not None and f" --agent {agent} " in command and "--form" not in command


def test_command__is_none_where_it_would_make_something_else() -> None:
    assert command_of(replace(SETTINGS, agent_arguments={"epochs": 17})) is None
    assert command_of(replace(SETTINGS, agent="mine", agent_arguments={})) is None
    assert command_of(replace(SETTINGS, env_kwargs={"X": [[0.123] * 10] * 100})) is None
