from typing import Any

import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.problems.assembly import assemble
from nas_gym.problems.specs import PROBLEMS
from nas_gym.search_spaces.cell.references import NASCELL
from nas_gym.studies.models import found_models, reference_models, retraining_keywords, schooling_of
from nas_gym.studies.retraining import retrain
from tests.nas_gym.doubles import QUICK, random_children

LANGUAGE = tuple(problem for problem, spec in PROBLEMS.items() if spec.search_space == "cell-v0")
SMALL: dict[str, Any] = {"train_tokens": 400, "epochs": 1, "units": 4}

pytestmark = pytest.mark.usefixtures("small_data")


@pytest.mark.parametrize("problem", LANGUAGE)
def test_language__has_the_whole_text_and_a_longer_recipe(problem: str) -> None:
    searched = {**QUICK[problem], "learning_rate": 0.5}
    search, again = (
        assemble(problem, **searched),
        assemble(problem, **retraining_keywords(problem, searched, {})),
    )
    assert search.corpus is not None and again.corpus is not None
    assert len(again.corpus.train) > len(search.corpus.train)
    assert again.corpus.test_checksum == search.corpus.test_checksum, "the same test part is locked away"
    recipe = again.language_recipe
    assert recipe is not None
    longer = {name: value for name, value in PROBLEMS[problem].retraining.items() if hasattr(recipe, name)}
    assert {name: getattr(recipe, name) for name in longer} == longer
    assert recipe.learning_rate == longer.get("learning_rate", 0.5)
    assert again.search_space.tokens == search.search_space.tokens


@pytest.mark.parametrize("problem", LANGUAGE)
def test_references__are_as_large_as_the_found_cell_and_can_be_trained(problem: str) -> None:
    searched = {**QUICK[problem], "units": 24}
    parts = assemble(problem, **retraining_keywords(problem, searched, SMALL | {"units": 24}))
    (child,) = random_children(parts.search_space, 1)
    (found,) = found_models(parts, [str(child)])
    assert found.size is not None
    assert found.size.parameters == sum(p.numel() for p in found.build().parameters())
    references = reference_models(parts, found)
    assert [each.name.split("-")[0] for each in references] == ["LSTM", "GRU", "NASCell"]
    for model in (found, *references):
        assert model.size is not None
        assert model.size.parameters == pytest.approx(found.size.parameters, rel=0.1)
        training = retrain(model, schooling_of(parts), seed=0)
        assert training.reason is None and min(training.results) > 1


@pytest.mark.parametrize("problem", ["NAS-PTB-v0", "NAS-PTBChar-v0"])
def test_recipe__that_is_named_goes_before_the_search_s_and_the_longer_one(problem: str) -> None:
    searched = {**QUICK[problem], "base": 4, "units": 4, "clip": 0.5}
    for given in ({"recipe": "paper"}, {"recipe": "paper", "epochs": 2}):
        again = assemble(problem, **retraining_keywords(problem, searched, given))
        paper = assemble(problem, **given).language_recipe
        assert again.language_recipe == paper and paper is not None and paper.layers == 2
        assert again.search_space.max_length == 10, "of base 4"
    searched = {"recipe": "paper", "bptt": 7}
    assert retraining_keywords(problem, searched, {}) == searched, "what was named for the search stays"
    with pytest.raises(InvalidArgumentError, match="unknown recipe 'essay'"):
        assemble(problem, **retraining_keywords(problem, searched, {"recipe": "essay"}))


def test_transfer__brings_along_the_search_space_alone() -> None:
    searched = {"base": 2, "train_tokens": 300, "units": 4, "c": 1, "bptt": 7, "recipe": "paper"}
    found = retraining_keywords("NAS-PTBChar-v0", searched, {"epochs": 1}, "NAS-PTB-v0")
    assert found == {"base": 2, **PROBLEMS["NAS-PTBChar-v0"].retraining, "epochs": 1}
    # The values of a search space that an environment has by default are those of its networks, too.
    graphs = retraining_keywords("NAS-Digits-v0", {"max_layers": 4}, {}, "NAS-CIFAR10-v0")
    assert (graphs["preset"], graphs["max_layers"]) == ("graph", 4) and "learning_rate" not in graphs
    chains = retraining_keywords("NAS-CIFAR10-v0", {}, {}, "NAS-Digits-v0")
    assert chains["preset"] == "chain", "although the other environment has graphs"
    assert retraining_keywords("NAS-PTB-v0", searched, {}, "NAS-PTB-v0") == searched, "that is no transfer"


@pytest.mark.parametrize(
    ("problem", "searched_in", "says"),
    [
        ("NAS-Digits-v0", "NAS-PTB-v0", "NAS-Digits-v0 has the search space conv-v0, the networks are of"),
        ("NAS-Mars-v0", "NAS-PTB-v0", "unknown environment 'NAS-Mars-v0'"),
        ("NAS-Bench-Moons-v0", "NAS-Moons-v0", "NAS-Bench-Moons-v0 looks its children up in a table"),
    ],
)
def test_transfer__to_what_is_no_place_for_the_networks_is_refused(
    problem: str, searched_in: str, says: str
) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        retraining_keywords(problem, {}, {}, searched_in)
    assert says in str(error.value) and "\n" not in str(error.value)


def test_paper__of_characters_has_the_number_of_parameters_that_it_tells() -> None:
    parts = assemble("NAS-PTBChar-v0", recipe="paper")
    (model,) = found_models(parts, [str(NASCELL)])
    assert model.size is not None
    assert model.size.parameters == pytest.approx(16_300_000, rel=0.005)
    assert parts.language_recipe is not None and parts.language_recipe.bptt == 100
