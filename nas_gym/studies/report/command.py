"""The command that makes a study again."""

import json
import shlex

from agents import AGENTS, ALIASES, REINFORCE_FORMS
from nas_gym.studies.run_folder import RunSettings

USUAL_CELL = "gru"
LONGEST = 2000
"""In characters: a longer command holds whole arrays, which some systems refuse."""


def command_of(settings: RunSettings) -> str | None:
    """Return the command; ``None`` if none makes such an agent, or it would hold whole arrays."""
    agent = _agent(settings)
    if agent is None:
        return None
    words = ["nas-gym", "search", "--env", settings.env, *agent, "--episodes", str(settings.episodes)]
    if settings.minutes is not None:
        words += ["--minutes", f"{settings.minutes:g}"]
    words += ["--seed", str(settings.seed)]
    if settings.env_kwargs:
        words.append("--env-kwargs")
        words += [f"{name}={json.dumps(value)}" for name, value in settings.env_kwargs.items()]
    command = shlex.join(words)
    return command if len(command) <= LONGEST else None


def _agent(settings: RunSettings) -> list[str] | None:
    """Return the arguments that pick out the agent."""
    arguments = dict(settings.agent_arguments)
    if settings.agent != "reinforce":
        spec = AGENTS.get(ALIASES.get(settings.agent, settings.agent))
        same = spec is not None and spec.arguments == arguments
        return ["--agent", settings.agent] if same else None
    cell = arguments.pop("cell", USUAL_CELL)
    for form, spec in REINFORCE_FORMS.items():
        if spec.arguments == arguments:
            return ["--form", form, *([] if cell == USUAL_CELL else ["--cell", str(cell)])]
    return None
