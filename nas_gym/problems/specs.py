"""What each environment id stands for: the table that names concrete search spaces, data and recipes.

Whatever imports something heavy is named by its import path.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Problem:
    """What an environment id stands for: children that are trained on data, or a table of results.

    Attributes:
        search_space: Id in ``SEARCH_SPACES``.
        dataset: Id in ``DATASETS``, or in ``CORPORA`` where children are language models; ``None`` for a
            table.
        network: Name of the function that builds the module of an architecture, ``None`` for a table.
        network_size: Name of the function that computes the size of a language model.
        evaluators: Ids in ``EVALUATORS``, the default first; none for a table.
        table: Name of the function that returns the table, ``None`` where children are trained.
        defaults: Values of keywords where they are not the defaults of what takes them.
        recipes: Values of keywords that stand in for those of ``defaults``, by the value of the keyword
            ``recipe`` that asks for them.
        reward: Name in ``REWARDS`` of the reward that is not asked for.
        retraining: Keywords for training a network that was found: all the data, a longer recipe.
        trainings: How often each finalist of a search is trained to choose one, and that one once more.
        costly: Whether the latter takes so long that a search leaves it to ``scripts/retrain.py``.
        reference_networks: Hand-designed networks, import paths of the functions that build them, by their
            names; for language models published cells, import paths of the ``ReferenceCell``.
        reference_models: Names of scikit-learn's models that networks are compared with.
    """

    search_space: str
    dataset: str | None = None
    network: str | None = None
    network_size: str | None = None
    evaluators: tuple[str, ...] = ()
    table: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    recipes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reward: str = "validation_accuracy"
    retraining: Mapping[str, Any] = field(default_factory=dict)
    trainings: int = 10
    costly: bool = False
    reference_networks: Mapping[str, str] = field(default_factory=dict)
    reference_models: tuple[str, ...] = ()


MLP_NETWORK = "nas_gym.search_spaces.mlp.network:build"
CONV_NETWORK = "nas_gym.search_spaces.conv.network:build"
MLP_MODELS = ("sklearn.linear_model:LogisticRegression", "sklearn.neural_network:MLPClassifier")
RESNET = {"ResNet-8": "nas_gym.search_spaces.conv.references:resnet8"}
IMAGE_RECIPE = {"batch_size": 64, "learning_rate": 2e-3, "patience": None, "schedule": "cosine"}
ZOPH_RECIPE = {
    "epochs": 50,
    "batch_size": 64,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "weight_decay": 1e-4,
    "augmentation": "crop_flip",
}
"""Training of children in Zoph & Le 2016, https://arxiv.org/abs/1611.01578, as for DenseNet; the batch and
the cosine are ours."""
ALL_SAMPLES = {"train_samples": None, "validation_samples": None}
ALL_TOKENS = {"train_tokens": None, "validation_tokens": None}
FEW_TOKENS = {"train_tokens": 100_000, "validation_tokens": 10_000}
# Softmax over thousands of words is what takes time: one epoch, in more and smaller steps.
WORD_RECIPE = {"units": 64, "epochs": 1, "batch_size": 16}
ZOPH_LANGUAGE_RECIPE = {
    **ALL_TOKENS,
    "epochs": 35,
    "batch_size": 20,
    "bptt": 35,
    "units": 538,
    "layers": 2,
    "dropout": 0.5,
    "optimizer": "sgd",
    "learning_rate": 1.0 * 35,
    "constant_epochs": 6,
    "decay": 1 / 1.2,
    "clip": 5.0 / 35,
}
"""Training of children in Zoph & Le 2016 on the Penn Treebank: 35 epochs of 2 layers, with as many parameters
as the medium LSTM of Zaremba et al. 2014, https://arxiv.org/abs/1409.2329; what the paper does not tell is
as there. Their loss is a sum over the 35 time steps of a window and a mean over its columns, here it is a
mean over both: the same step has 35 times the step size, and is clipped at a 35th of their norm. With 538
units, cells of base 8 have 20 million parameters."""
ZOPH_CHARACTER_RECIPE = {
    **ALL_TOKENS,
    "epochs": 35,
    "batch_size": 32,
    "bptt": 100,
    "units": 712,
    "layers": 2,
    "dropout": 0.2,
    "learning_rate": 1e-3,
    "clip": 5.0,
}
"""Training of the transferred cell in Zoph & Le 2016 on characters: Adam, windows of 100, batches of 32.

Their embedding has 128 values, their layers 800 and different shares of dropout, 0.2 and 0.5; a model here
has one width and one share: the former so that cells of base 8 have the paper's 16.3 million parameters, the
latter the smaller. Layers follow from that number; epochs and clipping, which are not told, are as for words.
"""


def _language_problem(dataset: str, **values: Any) -> Problem:  # noqa: ANN401
    """Return the problem of finding a recurrent cell for the language model of a text."""
    return Problem(
        "cell-v0",
        dataset,
        "nas_gym.tasks.language_modelling.language_model:build",
        "nas_gym.tasks.language_modelling.size:language_model_size",
        ("processes", "local"),
        reward="inverse_squared_perplexity",
        trainings=3,
        costly=True,
        reference_networks={
            "LSTM": "nas_gym.search_spaces.cell.references:LSTM_CELL",
            "GRU": "nas_gym.search_spaces.cell.references:GRU_CELL",
            "NASCell": "nas_gym.search_spaces.cell.references:NASCELL_CELL",
        },
        **values,
    )


PROBLEMS: dict[str, Problem] = {
    "NAS-Moons-v0": Problem(
        "mlp-v0", "moons-v0", MLP_NETWORK, evaluators=("fused", "local"), reference_models=MLP_MODELS
    ),
    "NAS-Tabular-v0": Problem(
        "mlp-v0", "tabular", MLP_NETWORK, evaluators=("fused", "local"), reference_models=MLP_MODELS
    ),
    "NAS-Digits-v0": Problem(
        "conv-v0",
        "digits-v0",
        CONV_NETWORK,
        evaluators=("processes", "local"),
        defaults={
            "epochs": 3,
            "batch_size": 64,
            "learning_rate": 5e-3,
            "patience": None,
            "schedule": "cosine",
        },
        retraining={**ALL_SAMPLES, "epochs": 40, "augmentation": "crop"},
        trainings=3,
        reference_models=("sklearn.neural_network:MLPClassifier", "sklearn.svm:SVC"),
    ),
    "NAS-MNIST-v0": Problem(
        "conv-v0",
        "mnist-v0",
        CONV_NETWORK,
        evaluators=("processes", "local"),
        defaults={**IMAGE_RECIPE, "train_samples": 5_000, "validation_samples": 2_000, "epochs": 1},
        retraining={**ALL_SAMPLES, "epochs": 5},
        trainings=3,
        costly=True,
        reference_networks={"hand-designed": "nas_gym.search_spaces.conv.references:two_layers"},
    ),
    "NAS-CIFAR10-v0": Problem(
        "conv-v0",
        "cifar10-v0",
        CONV_NETWORK,
        evaluators=("processes", "local"),
        defaults={
            **IMAGE_RECIPE,
            "preset": "graph",
            "train_samples": 5_000,
            "validation_samples": 2_000,
            "epochs": 5,
        },
        retraining={**ALL_SAMPLES, **ZOPH_RECIPE},
        trainings=3,
        costly=True,
        reference_networks=RESNET,
    ),
    "NAS-ImageFolder-v0": Problem(
        "conv-v0",
        "image_folder",
        CONV_NETWORK,
        evaluators=("processes", "local"),
        defaults={**IMAGE_RECIPE, "epochs": 5},
        retraining={**ALL_SAMPLES, "epochs": 20, "augmentation": "crop_flip"},
        trainings=3,
        costly=True,
        reference_networks=RESNET,
    ),
    "NAS-Brackets-v0": _language_problem(
        "brackets-v0", retraining={"train_tokens": 200_000, "epochs": 5, "units": 64, "decay": 0.5}
    ),
    "NAS-PTB-v0": _language_problem(
        "ptb-v0",
        defaults={**FEW_TOKENS, **WORD_RECIPE},
        recipes={"paper": ZOPH_LANGUAGE_RECIPE},
        retraining={**ALL_TOKENS, "epochs": 2, "decay": 0.2},
    ),
    "NAS-PTBChar-v0": _language_problem(
        "ptb-char-v0",
        defaults={**FEW_TOKENS, "units": 64},
        recipes={"paper": ZOPH_CHARACTER_RECIPE},
        retraining={**ALL_TOKENS, "epochs": 2, "units": 128, "decay": 0.2},
    ),
    "NAS-Text-v0": _language_problem(
        "text",
        defaults={**WORD_RECIPE, "max_batches": 200},
        retraining={**ALL_TOKENS, "max_batches": None, "epochs": 5, "decay": 0.5},
    ),
    "NAS-Bench-Moons-v0": Problem("mlp-v0", table="nas_gym.memory.tables.nas_bench:moons_table"),
    "NAS-Bench-201-v0": Problem(
        "nas-bench-201-v0", table="nas_gym.memory.tables.nas_bench:nas_bench_201_table"
    ),
}
