"""Designing one network, token by token, as a Gymnasium environment."""

import warnings
from dataclasses import dataclass
from operator import index
from time import perf_counter
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete
from numpy.typing import NDArray

from nas_gym.checks import boolean, number
from nas_gym.envs.depth_schedule import DepthLimit, DepthSchedule
from nas_gym.envs.interface import Info, Observation, Step
from nas_gym.envs.spec import RemembersSpec
from nas_gym.envs.spelling import as_text
from nas_gym.errors import InvalidActionError, InvalidArgumentError
from nas_gym.evaluators.base import Evaluator
from nas_gym.rewards import Reward, ScoreReward, checked
from nas_gym.search_spaces.base import SearchSpace
from nas_gym.tasks.evaluation import Evaluation
from nas_gym.tasks.metric import ACCURACY, Metric

MAX_SEED = 2**63 - 1
HOPELESS = 20
"""So many failures at the very beginning, and it is said that nothing can be trained."""


@dataclass(frozen=True, slots=True)
class GameRules:
    """What an episode is worth that ends badly, and what is drawn or limited.

    Attributes:
        illegal_reward: What an illegal token earns.
        failure_reward: What a child earns whose training failed.
        stochastic: Whether each episode draws the seed of its child.
        initial_layers: Largest number of layers at the beginning, as in ``DepthSchedule``; ``None`` for no
            schedule. It is 6 in Zoph & Le 2016.
        layers_per_growth: How many more layers are allowed at each growth.
        architectures_per_growth: How many networks are evaluated between two growths.

    Raises:
        InvalidArgumentError: If a reward is not finite, or the depth schedule is not of positive integers.
    """

    illegal_reward: float = -1.0
    failure_reward: float = 0.0
    stochastic: bool = False
    initial_layers: int | None = None
    layers_per_growth: int = 2
    architectures_per_growth: int = 1600

    def __post_init__(self) -> None:
        """Refuse values out of range, and keep Python's own numbers."""
        keep = object.__setattr__
        for name in ("illegal_reward", "failure_reward"):
            keep(self, name, float(number(name, getattr(self, name), "a finite number")))
        keep(self, "stochastic", boolean("stochastic", self.stochastic))
        first = 1 if self.initial_layers is None else self.initial_layers
        schedule = DepthSchedule(first, self.layers_per_growth, self.architectures_per_growth)
        if self.initial_layers is not None:
            keep(self, "initial_layers", schedule.initial_layers)

    @property
    def depth(self) -> DepthSchedule | None:
        """How deep networks may be, ``None`` for no limit."""
        if self.initial_layers is None:
            return None
        return DepthSchedule(self.initial_layers, self.layers_per_growth, self.architectures_per_growth)


class NasEnv(RemembersSpec, gym.Env[NDArray[np.int64], np.int64]):
    """Each step appends a token to a sentence; when it ends, the network is trained.

    ## Action Space
    ``Discrete(V)``, one action for each of the V tokens of the search space. Which may come next is said
    by ``info["action_mask"]`` (int8, as ``Discrete.sample(mask=...)`` wants it) and by ``action_masks()``
    (bool, as MaskablePPO wants it).

    ## Observation Space
    ``MultiDiscrete([V + 1] * max_length)``: the sentence so far, 0 where nothing is written yet and
    ``token + 1`` where a token stands.

    ## Rewards
    0 until the sentence ends. Then ``reward(evaluation)``, by default the validation score of the trained
    network, of classifiers their accuracy, or for the ids of language models ``80 / perplexity ** 2``;
    ``failure_reward`` if its training failed; ``illegal_reward`` if the sentence was ended by an illegal
    token, in which case nothing is trained.

    ## Episode End
    ``terminated`` when the sentence is complete or a token was illegal. ``truncated`` is always False.

    ## Information
    ``action_mask`` at every step. With the last one of a trained network also ``architecture`` (its text)
    and ``evaluation`` (``Evaluation.as_info()``: status, scores by name, parameters, multiply-adds, seed,
    reason; what is unknown is left out). After an illegal token ``illegal_token``
    holds its name instead.

    ## Arguments
    By default a child's seed follows from its architecture, so that the reward is a fixed function of
    the sentence. With ``stochastic=True`` it is drawn from the environment's generator at every episode
    instead, and equal architectures are trained anew.

    With ``initial_layers``, a sentence may have only so many layers at first, and more after every
    ``architectures_per_growth`` networks that were evaluated, failed ones included; masks, legality and
    ``action_masks()`` follow, the spaces stay those of the full depth. A sentence keeps the limit with which
    it began (``layer_limit``). What is legal then depends on all that came before: no ``reset`` begins the
    schedule anew, with a seed or without, since agents seed every batch; only a new environment does.
    All lanes of a vector environment share one schedule: the networks that end in one step are counted
    together, before the next sentences begin.

    ## Version History
    * v0: the first version.

    Args:
        search_space: What may be built.
        evaluator: What a child is worth; ``close`` closes it.
        reward: How good an evaluation with status ``"ok"`` is; by default its score.
        metric: What networks are judged by, for whoever wants to know: plain data.
        rules: What else the game depends on.
        render_mode: ``"ansi"`` for text, ``"rgb_array"`` for a picture of the network, or ``None``.

    Raises:
        InvalidArgumentError: If the render mode is unknown, or there is a depth schedule for a search space
            without an end token.
    """

    metadata = {  # noqa: RUF012, Gymnasium declares it as an instance's attribute
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 4,
    }

    def __init__(
        self,
        search_space: SearchSpace,
        evaluator: Evaluator,
        reward: Reward | None = None,
        *,
        metric: Metric = ACCURACY,
        rules: GameRules | None = None,
        render_mode: str | None = None,
    ) -> None:
        if render_mode not in (None, *self.metadata["render_modes"]):
            modes = ", ".join(self.metadata["render_modes"])
            raise InvalidArgumentError(f"render_mode must be None or one of {modes}, got {render_mode!r}")
        self.rules = rules or GameRules()
        self.depth = None if self.rules.depth is None else DepthLimit(self.rules.depth, search_space)
        """What limits the number of layers, if anything."""
        self.search_space = search_space
        self.evaluator = evaluator
        self.reward = reward or ScoreReward(metric.larger_is_better, metric.unit)
        self.metric = metric
        self.render_mode = render_mode
        self.evaluation_seconds = 0.0
        """Time spent in the evaluator since the environment was made."""
        self._failures: int | None = 0  # until a network is trained
        self.action_space = Discrete(len(search_space.tokens))
        self.observation_space = sentence_space(search_space)
        self._sentence: list[int] = []
        self._evaluated = 0
        self.layer_limit: int | None = self.rules.initial_layers
        """How many layers the current sentence may have, ``None`` without a depth schedule."""
        self._legal = search_space.legal_next(())
        self._ended = False
        self._last_reward: float | None = None

    def reset(self, *, seed: int | None = None, options: Info | None = None) -> tuple[Observation, Info]:
        """Start an empty sentence; ``options`` are not used."""
        super().reset(seed=plain_seed(seed))
        self._sentence = []
        if self.depth is not None:
            self.layer_limit = self.depth.schedule.layers(self._evaluated)
        self._legal = self.search_space.legal_next(())
        self._ended = False
        self._last_reward = None
        return self._observation(), {"action_mask": self._legal.astype(np.int8)}

    def step(self, action: np.int64 | int) -> Step:
        """Append a token.

        Raises:
            InvalidActionError: If the action is not in the action space.
            ResetNeeded: If the episode has ended.
        """
        token = _token(action)
        if token is None or not 0 <= token < len(self._legal):
            raise InvalidActionError(
                f"action {action} is not a token, allowed are 0 to {len(self._legal) - 1}"
            )
        if self._ended:
            raise gym.error.ResetNeeded("the sentence has ended, call reset() to begin another")
        reward = 0.0
        outcome: Info = {}
        if self._legal[token]:
            self._sentence.append(token)
            self._legal = self.search_space.legal_next(self._sentence)
            if self.depth is not None and self.layer_limit is not None:
                self._legal = self.depth.restrict(self._legal, self._observation(), self.layer_limit)
            self._ended = not self._legal.any()
            if self._ended:
                reward, outcome = self._judge()
        else:
            self._legal = np.zeros_like(self._legal)
            self._ended = True
            reward, outcome = self.rules.illegal_reward, {"illegal_token": self.search_space.tokens[token]}
        self._last_reward = reward if self._ended else None
        info = {"action_mask": self._legal.astype(np.int8), **outcome}
        return self._observation(), reward, self._ended, False, info

    def action_masks(self) -> NDArray[np.bool_]:
        """Return which tokens may come next, bool of shape ``(V,)``; the name is sb3-contrib's."""
        return self._legal.copy()

    def render(self) -> str | NDArray[np.uint8] | None:
        """Return the sentence as text or the network as an RGB picture, ``(height, width, 3)``."""
        if self.render_mode is None:
            return None
        if self.render_mode == "ansi":
            return as_text(self.search_space, self._sentence, self._last_reward, self._legal)
        from nas_gym.envs.rendering import as_picture  # matplotlib is slow to import and seldom needed

        return as_picture(self.search_space, self._sentence, self._last_reward)

    def _judge(self) -> tuple[float, Info]:
        architecture = self.search_space.architecture(self._sentence)
        seeds = [int(self.np_random.integers(MAX_SEED))] if self.rules.stochastic else None
        start = perf_counter()
        (evaluation,) = self.evaluator.evaluate([architecture], seeds)
        self.evaluation_seconds += perf_counter() - start
        self._evaluated += 1
        return self.reward_of(evaluation), outcome_of(evaluation)

    def reward_of(self, evaluation: Evaluation) -> float:
        """Return what an evaluation earns, a failed one included.

        Warns once if nothing at all can be trained: an agent sees rewards alone, and would go on for hours.
        """
        if evaluation.status == "ok":
            self._failures = None
            return checked(self.reward, evaluation)
        if self._failures is not None:
            self._failures += 1
            if self._failures == HOPELESS:
                warnings.warn(
                    f"none of the first {HOPELESS} networks could be trained: {evaluation.reason}",
                    stacklevel=3,
                )
        return self.rules.failure_reward

    def close(self) -> None:
        """Close the evaluator: end whatever it has started."""
        close = getattr(self.evaluator, "close", None)  # one of the user's own may have nothing to close
        if close is not None:
            close()

    def _observation(self) -> NDArray[np.int64]:
        observation = np.zeros(self.search_space.max_length, dtype=np.int64)
        observation[: len(self._sentence)] = self._sentence
        observation[: len(self._sentence)] += 1
        return observation


def plain_seed(seed: Any) -> Any:  # noqa: ANN401, what is none is left to Gymnasium, which refuses it
    """Return a seed as Python's own integer, which Gymnasium insists on."""
    try:
        return index(seed)
    except TypeError:
        return seed


def _token(action: object) -> int | None:
    """Return the number that an action is, ``None`` if it is no whole number."""
    try:
        token = int(action)  # type: ignore[call-overload] # whatever it is
    except (TypeError, ValueError, OverflowError):
        return None
    return int(token) if token == action else None


def sentence_space(search_space: SearchSpace) -> MultiDiscrete:
    """Return the observation space of a search space's sentences."""
    return MultiDiscrete([len(search_space.tokens) + 1] * search_space.max_length)


def outcome_of(evaluation: Evaluation) -> Info:
    """Return what the last step's info holds of an evaluation."""
    return {"architecture": str(evaluation.architecture), "evaluation": evaluation.as_info()}
