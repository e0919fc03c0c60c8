"""Draw how a controller learns on the half moons: a moving picture that loops, the same for the same seed."""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import nas_gym
from nas_gym.checks import integer
from nas_gym.cli import run_script
from nas_gym.envs.episode import Episode
from nas_gym.envs.wrappers import RecordEvaluations
from nas_gym.evaluators.trainers.base import Child
from nas_gym.extras import needs
from nas_gym.files import write_atomically
from nas_gym.pages.curves import moving_average
from nas_gym.pages.panels import COLOURS, GREY, PALE, Panel
from nas_gym.pages.prediction_panels import regions
from nas_gym.studies.report.search_panels import BEST, MEAN
from nas_gym.tasks.classification import Classification
from nas_gym.tasks.seeds import child_seed

with needs("report", "a moving picture"):
    from matplotlib.axes import Axes
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import to_rgb
    from matplotlib.figure import Figure

LANES = 20
"""Architectures of a batch."""
RECENT = 200
"""So many proposals say what the controller proposes most."""
SMOOTHED = 5
"""Batches of the running mean."""
INCHES, DOTS = (8.0, 3.9), 150
INK, PALEST = "#22313f", 0.42
LEVELS = 15
THIN = (BEST, MEAN, PALE, GREY, INK, COLOURS[1])
"""Colours of which there is too little for a palette to keep them by itself."""
NEARLY_WHITE = 250
"""A palette of averages has no white of its own."""
TOKENS_OF_A_LINE = 3
ARROW = " \N{RIGHTWARDS ARROW} "
SMALL: dict[str, Any] = {"fontsize": 9.5, "color": GREY}  # Matplotlib's keywords
HEAD: dict[str, Any] = {"fontsize": 11.5, "fontweight": "bold", "color": INK}
FRAME_MILLISECONDS, HELD_MILLISECONDS = 250, 4000
COLOURS_OF_ALL = 64
"""Of the palette that all frames share; flat areas and edges need no more."""


@dataclass
class Args:
    """How long the controller learns, and where the picture goes."""

    out: Path = Path("docs/figures/learning.gif")
    """The file to write, a GIF."""
    episodes: int = 1200
    """Architectures that the controller proposes."""
    frames: int = 30
    """Moments that are shown, at equal distances; the last one is held."""
    seed: int = 0
    """Seed of the controller."""

    go_on: ClassVar[str | None] = None

    def run(self) -> int:
        """Let the controller learn, train what it proposed most at each moment, and draw."""
        frames, episodes = integer("frames", self.frames, 1), integer("episodes", self.episodes, LANES)
        torch.set_num_threads(1)
        played = search(episodes, integer("seed", self.seed, 0))
        networks = Networks()
        moments = np.linspace(0, episodes, frames + 1).round().astype(int).tolist()[1:]
        pictures = [draw(played, moment, networks) for moment in dict.fromkeys(moments)]
        write(self.out, pictures)
        size = self.out.stat().st_size / 1e6
        print(f"{len(pictures)} frames of {len(played)} architectures, {size:.2f} MB: {self.out}")
        return 0


def search(episodes: int, seed: int) -> Sequence[Episode]:
    """Let REINFORCE propose so many architectures, and return them."""
    from agents.reinforce import Reinforce  # here, where a foreign package of that name is told in one line

    env = RecordEvaluations(nas_gym.problem("NAS-Moons-v0").make_vector_env(LANES))
    try:
        Reinforce(env, seed=seed).learn(episodes, progress_bar=True)
    finally:
        env.close()
    return env.episodes[:episodes]


class Networks:
    """Networks trained as the search has trained them, each once."""

    def __init__(self) -> None:
        problem = nas_gym.problem("NAS-Moons-v0")
        assert isinstance(problem.task, Classification)
        self._problem, self._task, self._trainer = problem, problem.task, problem.make_trainer()
        self._regions: dict[str, Panel] = {}

    def regions(self, name: str) -> Panel:
        """Return what a network says of the plane, with the validation points."""
        if name not in self._regions:
            self._regions[name] = self._ask(name)
        return self._regions[name]

    def _ask(self, name: str) -> Panel:
        architecture = self._problem.search_space.parse(name)
        seed = child_seed(self._problem.books.training_seed, architecture)
        module = self._task.build(self._problem.search_space, architecture)
        module.load_state_dict(dict(self._trainer.train(Child(architecture, seed)).state_dict()))

        def probabilities(features: NDArray[np.float32]) -> NDArray[np.float64]:
            with torch.inference_mode():
                said: NDArray[np.float64] = module(torch.from_numpy(features)).softmax(dim=1).double().numpy()
            return said

        validation = self._task.data_of().validation
        features, labels = validation.features.astype(np.float32), validation.labels.astype(np.int64)
        return regions(("0", "1"), features, labels, probabilities)


def draw(played: Sequence[Episode], moment: int, networks: Networks) -> Image.Image:
    """Draw one moment: what was earned so far, and the network that is proposed most."""
    figure = Figure(figsize=INCHES, dpi=DOTS, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    _draw_curve(figure.add_axes((0.085, 0.135, 0.4, 0.665)), played, moment)
    recent = [each.architecture for each in reversed(played[max(0, moment - RECENT) : moment])]
    ((name, count),) = Counter(filter(None, recent)).most_common(1)  # of equal ones the latest
    (reward,) = {each.reward for each in played[:moment] if each.architecture == name}
    axes = figure.add_axes((0.545, 0.135, 0.435, 0.665))
    _draw_regions(axes, networks.regions(name))
    axes.set_xlabel(f"{count} of the last {len(recent)}; validation accuracy {reward:.2f}", **SMALL)
    words = name.split()
    lines = [words[start : start + TOKENS_OF_A_LINE] for start in range(0, len(words), TOKENS_OF_A_LINE)]
    figure.text(0.085, 0.955, "A controller learns what to propose", **HEAD)
    figure.text(0.085, 0.88, f"REINFORCE, {moment:,} networks trained", **SMALL)
    figure.text(0.545, 0.955, "The network it proposes most", **HEAD)
    text = f"{ARROW}\n".join(ARROW.join(line) for line in lines)
    figure.text(0.545, 0.915, text, color=COLOURS[0], fontsize=9.5, va="top", linespacing=1.35)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _draw_curve(axes: Axes, played: Sequence[Episode], moment: int) -> None:
    """Draw the mean reward of each batch, their running mean, and the best so far."""
    rewards = np.array([each.reward for each in played])
    starts = range(0, len(rewards), LANES)
    batches = np.array([rewards[start : start + LANES].mean() for start in starts])
    ends = np.minimum(np.array(starts) + LANES, len(rewards))
    shown = ends <= moment
    axes.plot(
        np.arange(1, moment + 1),
        np.maximum.accumulate(rewards[:moment]),
        color=BEST,
        lw=1.8,
        label="best so far",
    )
    axes.plot(ends[shown], moving_average(batches, SMOOTHED)[shown], color=MEAN, lw=2.4, label="mean reward")
    axes.scatter(ends[shown], batches[shown], s=11, color=PALE, lw=0, label="one batch of 20", zorder=1)
    low = float(batches.min())
    axes.set_ylim(low - 0.05 * (1 - low), 1.0)
    axes.set_xlim(0, len(rewards) * 1.01)
    axes.set_xlabel("networks proposed", **SMALL)
    axes.set_ylabel("reward: validation accuracy", **SMALL)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=9, colors=GREY)
    axes.legend(frameon=False, fontsize=9.5, loc="lower right", labelcolor=INK)


def _draw_regions(axes: Axes, panel: Panel) -> None:
    """Draw which class each place is taken for, the paler the less sure, and the points."""
    plane = panel.regions
    assert plane is not None
    signs = np.where(np.array(plane.kinds) == 1, 1.0, -1.0) * np.array(plane.sureness)
    levels = np.linspace(-1, 1, LEVELS)
    middles = (levels[1:] + levels[:-1]) / 2
    shades = [_blend(plane.colours[int(middle > 0)], PALEST * abs(middle)) for middle in middles]
    axes.contourf(plane.x, plane.y, signs, levels, colors=shades, antialiased=True)
    axes.contour(plane.x, plane.y, signs, [0.0], colors=INK, linewidths=1.3)
    for points in panel.points:
        axes.scatter(points.x, points.y, s=26, color=points.colour, edgecolors="white", linewidths=0.6)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color("#c9d3dc")


def _blend(colour: str, share: float) -> tuple[float, float, float]:
    """Mix a colour with white."""
    red, green, blue = (1 - share + share * part for part in to_rgb(colour))
    return red, green, blue


def write(path: Path, pictures: Sequence[Image.Image]) -> None:
    """Write a GIF that loops; all frames share a palette, of three of them and of the lines."""
    width, height = pictures[0].size
    sample = Image.new("RGB", (width, 4 * height))
    for place, index in enumerate((0, len(pictures) // 2, -1)):
        sample.paste(pictures[index], (0, place * height))
    for place, colour in enumerate(THIN):
        sample.paste(colour, (place * width // len(THIN), 3 * height, width, 4 * height))
    palette = sample.quantize(COLOURS_OF_ALL, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    entries = palette.getpalette()
    assert entries is not None
    palette.putpalette([255 if entry > NEARLY_WHITE else entry for entry in entries])
    frames = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in pictures]
    durations = [*[FRAME_MILLISECONDS] * (len(frames) - 1), HELD_MILLISECONDS]
    content = io.BytesIO()
    frames[0].save(
        content, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=False
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: temporary.write_bytes(content.getvalue()))


if __name__ == "__main__":
    run_script(Args, __doc__)
