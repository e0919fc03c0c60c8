from contextlib import closing
from pathlib import Path

from nas_gym.memory.store import EvaluationStore, Setting
from nas_gym.search_spaces import Architecture
from nas_gym.studies.comparison import Comparison, Contender
from nas_gym.studies.report.findings import lettered, read_latencies
from nas_gym.tasks.evaluation import Evaluation
from tests.nas_gym.studies.episodes import failed, trained
from tests.nas_gym.studies.report.made_up import findings


def evaluation(architecture: str, latency: float | None, rung: int = 0) -> Evaluation:
    return Evaluation(
        architecture=Architecture("mlp-v0", (architecture,)),
        task="moons",
        recipe="adam",
        seed=rung,
        status="ok",
        scores={"accuracy": 0.5},
        latency_seconds=latency,
        rung=rung,
    )


def test_latencies__are_those_of_the_search(tmp_path: Path) -> None:
    file, rows = (
        tmp_path / "evaluations.sqlite",
        [trained("ReLU", 0.5), trained("Tanh", 0.5), failed("Sigmoid")],
    )
    assert read_latencies(None, rows) == read_latencies(file, rows) == {}
    assert not file.exists(), "nothing is made where nothing is read"
    known = [evaluation("ReLU", 0.002), evaluation("Tanh", None), evaluation("Linear-8", 0.003)]
    with closing(EvaluationStore(file)) as store:
        store.add(Setting("moons", "0", "local", "adam"), [*known, evaluation("ReLU", 0.5, rung=1)])
    assert read_latencies(file, rows) == {"ReLU": 0.002}


def test_network__is_the_winner_or_the_one_that_was_chosen() -> None:
    assert findings().network == "Tanh"
    other = Contender("ReLU", True, (0.9,), (0.9,))
    assert findings(compared=Comparison([other])).network == "ReLU"
    broken = Contender("ReLU", True, (), (), failures=("it exploded",))
    assert findings(compared=Comparison([broken])).network == "Tanh"


def test_lettered__does_not_run_out_of_letters() -> None:
    many = [Contender(f"net {n}", True, (1 - n / 100,), (0.5,)) for n in range(60)]
    compared, letters = lettered(Comparison(many))
    assert len(letters) == 60 and (letters["A"], letters["Z"], letters["A1"]) == ("net 0", "net 25", "net 26")
    assert [each.name for each in compared.ranked()][:2] == ["A", "B"]
