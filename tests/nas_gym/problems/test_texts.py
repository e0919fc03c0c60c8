from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.assembly import Parts, assemble
from nas_gym.problems.specs import PROBLEMS
from nas_gym.search_spaces.cell.references import NASCELL
from nas_gym.tasks.language_modelling.size import language_model_size
from tests.nas_gym.doubles import QUICK, random_children

LANGUAGE = tuple(problem for problem, spec in PROBLEMS.items() if spec.search_space == "cell-v0")

pytestmark = pytest.mark.usefixtures("small_data")


def quick(problem: str = "NAS-Brackets-v0", **keywords: Any) -> Parts:  # noqa: ANN401
    return assemble(problem, **{**QUICK[problem], **keywords})


def play(problem: str, sentence: list[int], **keywords: Any) -> tuple[float, dict[str, Any]]:  # noqa: ANN401
    env = gym.make(problem, **{**QUICK[problem], **keywords})
    env.reset()
    for token in sentence:
        _, reward, _, _, info = env.step(token)
    return float(reward), info["evaluation"]


@pytest.mark.parametrize("problem", LANGUAGE)
def test_reward__is_of_the_perplexity_and_scaled_by_c(problem: str) -> None:
    space = quick(problem).search_space
    sentence = list(space.encode(random_children(space, 1)[0]))
    reward, evaluation = play(problem, sentence)
    assert reward == pytest.approx(80 / evaluation["validation_perplexity"] ** 2, rel=1e-12)
    assert play(problem, sentence, c=1)[0] == pytest.approx(reward / 80, rel=1e-12)
    assert "validation_accuracy" not in evaluation


def test_reward__of_an_accuracy_is_one_line() -> None:
    space = quick().search_space
    sentence = list(space.encode(random_children(space, 1)[0]))
    with pytest.raises(InvalidArgumentError, match="validation_accuracy needs validation_accuracy, which"):
        play("NAS-Brackets-v0", sentence, reward="validation_accuracy")


def test_paper__is_one_keyword_away() -> None:
    parts = assemble("NAS-PTB-v0", recipe="paper")
    recipe, searched = parts.language_recipe, assemble("NAS-PTB-v0", **QUICK["NAS-PTB-v0"])
    assert recipe is not None and parts.corpus is not None and searched.corpus is not None
    assert (recipe.epochs, recipe.layers, recipe.optimizer) == (35, 2, "sgd")
    # With the loss of Zaremba et al., which is bptt times ours, steps of size 1 and a norm of 5 at most.
    assert (recipe.learning_rate / recipe.bptt, recipe.clip) == (1.0, 5.0 / recipe.bptt)
    assert len(parts.corpus.train) > len(searched.corpus.train)
    size = language_model_size(NASCELL, 10_000, recipe.units, recipe.layers, recipe.tied)
    assert size.parameters == pytest.approx(20_000_000, rel=0.005)
    shorter = assemble("NAS-PTB-v0", recipe="paper", epochs=2).language_recipe
    assert shorter == replace(recipe, epochs=2)


def test_size__may_be_limited() -> None:
    parts = quick(max_parameters=10)
    (evaluation,) = parts.evaluator.evaluate(random_children(parts.search_space, 1))
    assert (evaluation.status, evaluation.validation_perplexity) == ("failed", None)
    assert evaluation.reason is not None and "at most 10 are allowed" in evaluation.reason


def test_store__gives_back_the_perplexity_without_training(tmp_path: Path) -> None:
    first, second = (quick(store=tmp_path / "store.sqlite") for _ in range(2))
    networks = random_children(first.search_space, 2)
    trained = first.evaluator.evaluate(networks)
    assert second.evaluator.evaluate(networks) == trained, "equal to the very seconds"
    assert all(evaluation.validation_perplexity is not None for evaluation in trained)
