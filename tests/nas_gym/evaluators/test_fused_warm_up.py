import json
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
import numpy as np
import nas_gym
from nas_gym.evaluators.trainers.fused import mlp_kernel
from nas_gym.evaluators.trainers.base import Child

kernels = (mlp_kernel._train, mlp_kernel._predict, mlp_kernel._score)
X = np.random.default_rng(0).normal(size=(60, 3))
found = []
for keywords in (
    {"y": X[:, 0] > 0}, {"y": X[:, 0] > 0, "metric": "roc_auc", "recipe": {"class_weight": "balanced"}},
    {"y": X[:, 0] + X[:, 1], "task": "regression"},
):
    problem = nas_gym.problem("NAS-Tabular-v0", X=X, **keywords)
    trainer = problem.make_trainer()
    trainer.warm_up()
    compiled = [len(kernel.signatures) for kernel in kernels]
    for rung in (0, -1):
        trained = trainer.train(Child(problem.search_space.parse("Linear-2 Tanh"), 0, rung))
        trained.scores("test")
    found.append((compiled, [len(kernel.signatures) for kernel in kernels]))
print(json.dumps(found))
"""


@pytest.mark.slow  # starts an interpreter, where nothing is compiled yet
@pytest.mark.timeout(120)
def test_warm_up__leaves_nothing_to_compile_in_the_seconds_of_a_child() -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    for before, after in json.loads(ended.stdout):
        assert before == after
        assert min(before) > 0
