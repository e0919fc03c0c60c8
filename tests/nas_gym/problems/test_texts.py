from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from nas_gym.datasets.texts.corpus import Corpus
from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.registration import problem
from nas_gym.problems.texts import ZOPH_WORDS
from nas_gym.search_spaces.cell.references import NASCELL
from nas_gym.tasks.base import Rung
from nas_gym.tasks.language_modelling import LanguageModelling, LanguageRecipe
from nas_gym.tasks.language_modelling.size import size_around
from tests.nas_gym.doubles import QUICK, REQUIRED, TEXTS, quick, random_children
from tests.nas_gym.search_spaces.cells import FIGURE_5

pytestmark = pytest.mark.usefixtures("small_data")


def play(name: str, sentence: list[int], **keywords: Any) -> tuple[float, dict[str, Any]]:  # noqa: ANN401
    env = gym.make(name, **{**QUICK[name], **keywords})
    env.reset()
    for token in sentence:
        _, reward, _, _, info = env.step(token)
    return float(reward), info["evaluation"]


def ladder_of(name: str, **keywords: Any) -> tuple[Rung[Corpus, LanguageRecipe], ...]:  # noqa: ANN401
    task = problem(name, **{**REQUIRED.get(name, {}), **keywords}).task
    assert isinstance(task, LanguageModelling)
    return task.ladder


@pytest.mark.parametrize("name", TEXTS)
def test_reward__is_of_the_perplexity_and_scaled_by_c(name: str) -> None:
    space = quick(name).search_space
    sentence = list(space.encode(random_children(space, 1)[0]))
    reward, evaluation = play(name, sentence)
    assert reward == pytest.approx(80 / evaluation["scores"]["perplexity"] ** 2, rel=1e-12)
    scaled = {"name": "inverse_squared_perplexity", "c": 1}
    assert play(name, sentence, reward=scaled)[0] == pytest.approx(reward / 80, rel=1e-12)
    assert list(evaluation["scores"]) == ["perplexity"]


def test_reward__of_an_accuracy_is_one_line() -> None:
    space = quick("NAS-Brackets-v0").search_space
    sentence = list(space.encode(random_children(space, 1)[0]))
    with pytest.raises(InvalidArgumentError, match="validation_accuracy needs the score accuracy, which"):
        play("NAS-Brackets-v0", sentence, reward="validation_accuracy")


def test_paper__is_one_keyword_away() -> None:
    made = problem("NAS-PTB-v0", recipe="paper")
    assert isinstance(made.task, LanguageModelling)
    recipe = made.task.recipe_of()
    assert made.task.recipe_of(-1) == recipe, "whoever names a recipe means it for the full training, too"
    assert (recipe.epochs, recipe.layers, recipe.optimizer) == (35, 2, "sgd")
    # With the loss of Zaremba et al., which is bptt times ours, steps of size 1 and a norm of 5 at most.
    assert (recipe.learning_rate / recipe.bptt, recipe.clip) == (1.0, 5.0 / recipe.bptt)
    searched = quick("NAS-PTB-v0").task
    assert isinstance(searched, LanguageModelling)
    assert len(made.task.data_of().train) > len(searched.data_of().train)
    shorter = problem("NAS-PTB-v0", recipe={"name": "paper", "epochs": 2}).task
    assert shorter is not None and shorter.recipe_of().id == recipe.id.replace("epochs=35", "epochs=2")


def test_paper__has_20_million_parameters_with_all_words() -> None:
    units, layers = ZOPH_WORDS["units"], ZOPH_WORDS["layers"]
    cell = quick("NAS-PTB-v0", space={"base": 8}).search_space.size(NASCELL, (units,), units)
    assert cell is not None
    assert size_around(layers * cell.parameters, 10_000, units).parameters == pytest.approx(
        20_000_000, rel=0.005
    )


@pytest.mark.parametrize(("name", "rungs"), list(zip(TEXTS, (2, 3, 3, 3), strict=True)))
def test_middle__has_more_updates_than_the_search_and_fewer_tokens_than_the_full_training(
    name: str, rungs: int
) -> None:
    ladder = [rung.recipe for rung in ladder_of(name)]
    assert len(ladder) == rungs, "brackets are quick enough without"
    if rungs == 3:
        search, middle, full = ladder
        assert middle.batch_size <= search.batch_size == full.batch_size
        assert (middle.units, middle.learning_rate) == (search.units, search.learning_rate)
        assert full.max_batches is None, "only between are windows left out"
    given = ladder_of(name, middle={"units": 7})
    assert [rung.recipe.units for rung in given] == [ladder[0].units, 7, ladder[-1].units]
    assert len(ladder_of(name, recipe={"name": "full"})) == 2, "a recipe by name is for all rungs"


def test_ranking__is_the_full_training_with_fewer_classes_and_windows() -> None:
    search, middle, full = (
        rung.recipe for rung in ladder_of("NAS-PTB-v0", recipe="ranking", middle="middle", full="full")
    )
    assert (search.max_batches, search.classes, middle.classes) == (800, 1000, 3000)
    assert replace(search, max_batches=None, classes=None) == replace(middle, classes=None) == full


def test_ranking__of_brackets_is_the_full_training_with_fewer_epochs() -> None:
    rungs = ladder_of("NAS-Brackets-v0", recipe="ranking", middle="full", full="full")
    search, middle, full = (rung.recipe for rung in rungs)
    assert replace(search, epochs=5, decay=0.5) == middle == full
    assert [len(rung.data.train) for rung in rungs] == [200_000] * 3


def test_middle__reads_windows_from_everywhere_in_the_text() -> None:
    rungs = ladder_of("NAS-PTB-v0", train_tokens=400, validation_tokens=100)
    assert len(rungs[0].data.train) == 400 < len(rungs[1].data.train)
    assert rungs[1].source is rungs[2].source, "loaded once"


def test_size__may_be_limited() -> None:
    made = quick("NAS-Brackets-v0", max_parameters=10)
    (evaluation,) = made.make_evaluator().evaluate(random_children(made.search_space, 1))
    assert (evaluation.status, evaluation.score) == ("failed", None)
    assert evaluation.reason is not None and "at most 10 are allowed" in evaluation.reason


def test_growth__may_be_limited_even_where_a_store_knows_better(tmp_path: Path) -> None:
    # The store keeps what a search without the limit has trained.
    store, text = tmp_path / "store.sqlite", "add:relu elem_mult:relu elem_mult:relu add:relu node-0 node-0"
    for growth, status in (("any", "ok"), ("linear", "failed")):
        made = quick("NAS-Brackets-v0", space={"base": 2, "growth": growth}, store=store)
        with made.make_evaluator() as evaluator:
            (found,) = evaluator.evaluate([made.search_space.parse(text)])
        assert found.status == status
    assert found.reason == "the growth of its state is superlinear, at most linear is allowed"


def test_bias__makes_other_children_of_the_same_sentences(tmp_path: Path) -> None:
    found = []
    for bias in (False, True, False):
        made = quick("NAS-Brackets-v0", space={"base": 2, "bias": bias}, store=tmp_path / "store.sqlite")
        with made.make_evaluator() as evaluator:
            found += evaluator.evaluate([made.search_space.parse(FIGURE_5)])
    assert found[0] == found[2], "from the store"
    assert found[1].scores != found[0].scores
    sizes = [(each.parameters or 0, each.multiply_adds) for each in found]
    assert sizes[1] == (sizes[0][0] + 2 * 4, sizes[0][1]), "two leaves of four units"
    assert found[1].recipe == f"{found[0].recipe}-bias"
    made = quick("NAS-Brackets-v0", space={"base": 2, "bias": True, "growth": "linear"})
    grows = made.search_space.parse("add:relu elem_mult:relu elem_mult:relu add:relu node-0 node-0")
    assert made.make_evaluator().evaluate([grows])[0].recipe == found[1].recipe, "refused ones say it, too"


def test_store__gives_back_the_perplexity_without_training(tmp_path: Path) -> None:
    made = quick("NAS-Brackets-v0", store=tmp_path / "store.sqlite")
    networks = random_children(made.search_space, 2)
    trained = made.make_evaluator().evaluate(networks)
    assert made.make_evaluator().evaluate(networks) == trained, "equal to the very seconds"
    assert all(evaluation.scores["perplexity"] > 1 for evaluation in trained)


@pytest.mark.parametrize("name", TEXTS)
def test_full__reads_and_predicts_everything_whatever_a_search_leaves_out(name: str) -> None:
    full = ladder_of(name, recipe={"max_batches": 3, "classes": 4})[-1].recipe
    assert (full.max_batches, full.classes) == (None, None)
