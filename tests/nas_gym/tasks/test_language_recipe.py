from typing import Any

import pytest

from nas_gym.errors import InvalidArgumentError
from nas_gym.tasks.language_modelling.recipe import LanguageRecipe


def test_id__holds_every_value() -> None:
    changed: dict[str, Any] = {
        "epochs": 7,
        "batch_size": 7,
        "bptt": 7,
        "units": 7,
        "layers": 7,
        "tied": True,
        "dropout": 0.7,
        "optimizer": "sgd",
        "learning_rate": 0.7,
        "constant_epochs": 7,
        "decay": 0.7,
        "clip": None,
        "max_batches": 7,
        "classes": 7,
    }
    assert tuple(changed) == LanguageRecipe.__slots__
    ids = {LanguageRecipe(**{name: value}).id for name, value in changed.items()}
    assert len(ids | {LanguageRecipe().id}) == len(changed) + 1
    assert all("\n" not in text for text in ids)


def test_learning_rate__comes_down_after_the_constant_epochs() -> None:
    recipe = LanguageRecipe(learning_rate=8.0, constant_epochs=2, decay=0.5)
    assert [recipe.learning_rate_of(epoch) for epoch in range(1, 6)] == [8.0, 8.0, 4.0, 2.0, 1.0]


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"epochs": 0}, "epochs must be an integer from 1 to 1000000, got 0"),
        ({"units": 1.5}, "units must be an integer from 1 to 1000000, got 1.5"),
        ({"max_batches": 0}, "max_batches must be None or an integer from 1 to 1000000, got 0"),
        ({"classes": 1}, "classes must be None or an integer from 2 to 1000000, got 1"),
        (
            {"tied": True, "classes": 10},
            "tied=True has a class for each token, so classes must be None, got 10",
        ),
        ({"tied": 1}, "tied must be True or False, got 1"),
        ({"optimizer": "adagrad"}, "optimizer must be one of adam, sgd, got 'adagrad'"),
        ({"dropout": 1.0}, "dropout must be a number from 0 to below 1, got 1.0"),
        ({"decay": 0}, "decay must be a number above 0 and up to 1, got 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be a positive number, got nan"),
        ({"clip": 0.0}, "clip must be a positive number or None, got 0.0"),
    ],
)
def test_values__out_of_range_are_one_line(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        LanguageRecipe(**keywords)
    assert str(error.value) == message
