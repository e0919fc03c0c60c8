"""Directives whose content is read from the code when the site is built, so that pages cannot drift."""

import re
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import reference
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from numpy.typing import NDArray
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PICTURES = "_generated"
WHITE, MARGIN = 250, 16


class FromCode(SphinxDirective):
    """Parses Markdown that is made of the directive's argument."""

    required_arguments = 1
    final_argument_whitespace = True

    def markdown(self) -> str:
        """Return the content."""
        raise NotImplementedError

    def run(self) -> list[Any]:
        """Return the parsed content, docutils' nodes."""
        try:
            text = self.markdown()
        except (ValueError, KeyError) as error:
            raise self.error(f"{self.name} {self.arguments[0]}: {error}") from None
        source = self.get_source_info()[0]
        node = nodes.container()
        self.state.nested_parse(StringList(text.splitlines(), source), self.content_offset, node)
        for table in node.findall(nodes.table):
            label_cells(table)
        return list(node.children)


class Summary(FromCode):
    """The table at the top of an environment's page."""

    def markdown(self) -> str:
        """Return the table."""
        return reference.summary_markdown(self.arguments[0])


class Tokens(FromCode):
    """The action space of an environment."""

    def run(self) -> list[Any]:
        """Return it in a container, so that names of tokens are not broken."""
        return [nodes.container("", *super().run(), classes=["tokens"])]

    def markdown(self) -> str:
        """Return its tokens."""
        return reference.tokens_markdown(self.arguments[0])


class Observation(FromCode):
    """The observation space of an environment."""

    def markdown(self) -> str:
        """Return what it holds."""
        return reference.observation_markdown(self.arguments[0])


class Arguments(FromCode):
    """The arguments of an environment by part; the content says what its own keywords mean."""

    has_content = True

    def markdown(self) -> str:
        """Return a table for each part."""
        return reference.arguments_markdown(self.arguments[0], meanings_in("\n".join(self.content)))


class Agent(FromCode):
    """The arguments of an agent of the registry."""

    def markdown(self) -> str:
        """Return a table."""
        from agents import agent_spec

        return reference.agent_markdown(agent_spec(self.arguments[0]))


class Hyperparameters(FromCode):
    """What an algorithm of stable-baselines3 is given."""

    def markdown(self) -> str:
        """Return a table."""
        return reference.hyperparameters_markdown(self.arguments[0])


class Picture(FromCode):
    """A drawing of a network, given as text."""

    option_spec: ClassVar[dict[str, Any]] = {"architecture": directives.unchanged_required}

    def markdown(self) -> str:
        """Draw it, and return the image."""
        from nas_gym.envs.rendering import as_picture

        space = reference.space_of(self.arguments[0])
        sentence = space.encode(space.parse(self.options["architecture"]))
        pixels = as_picture(space, sentence, reward=0.0, titled=False)
        folder = Path(self.env.srcdir) / PICTURES
        folder.mkdir(exist_ok=True)
        Image.fromarray(cropped(pixels)).save(folder / f"{self.arguments[0]}.png")
        words = self.options["architecture"]
        return f"![The network {words}](/{PICTURES}/{self.arguments[0]}.png)\n\n`{words}`"


def label_cells(table: nodes.table) -> None:
    """Let each cell know its column, so that rows can be stacked on narrow screens, see ``site.css``."""
    head, *body = table.findall(nodes.row)
    labels = [entry.astext() for entry in head]
    if not any(labels):
        return
    table["classes"].append("of-code")
    for row in body:
        for label, entry in zip(labels, row, strict=True):
            entry["classes"].append(f"is-{nodes.make_id(label)}")


def cropped(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut off the room that is left for larger networks of the space."""
    drawn: NDArray[np.bool_] = np.any(pixels < WHITE, axis=2)
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    top, left = max(0, rows[0] - MARGIN), max(0, columns[0] - MARGIN)
    return pixels[top : rows[-1] + MARGIN, left : columns[-1] + MARGIN]


def meanings_in(content: str) -> dict[str, str]:
    """Read lines ``keyword: what it means``."""
    return {name: words.strip() for name, words in re.findall(r"^(\w+): (.+)$", content, re.MULTILINE)}


def readable(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Let headings that a docstring writes for Gymnasium's site be headings here."""
    lines[:] = re.sub(r"^## (.+)$", r"**\1**\n", "\n".join(lines), flags=re.MULTILINE).split("\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of the directives."""
    app.add_directive("nas-summary", Summary)
    app.add_directive("nas-tokens", Tokens)
    app.add_directive("nas-observation", Observation)
    app.add_directive("nas-arguments", Arguments)
    app.add_directive("nas-picture", Picture)
    app.add_directive("nas-agent", Agent)
    app.add_directive("nas-hyperparameters", Hyperparameters)
    app.connect("autodoc-process-docstring", readable)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
