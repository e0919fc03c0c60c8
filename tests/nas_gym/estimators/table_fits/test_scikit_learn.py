from typing import Any

import pytest
from sklearn.utils.estimator_checks import check_estimator

from nas_gym import NASClassifier, NASRegressor

QUICK: dict[str, Any] = {
    "budget": 2,
    "ensemble": 1,
    "space": {"widths": [16, 32]},
    "encoding": "standard",
    "validation": 3,
    "random_state": 0,
}


@pytest.mark.slow  # some sixty checks with several fits each
@pytest.mark.timeout(240)
@pytest.mark.filterwarnings("ignore")  # the checks give away what they expect to be warned of
@pytest.mark.parametrize("kind", [NASClassifier, NASRegressor])
def test_estimator__passes_every_check(kind: type) -> None:
    results = check_estimator(kind(**QUICK), on_fail=None)
    assert len(results) > 50
    assert [each["check_name"] for each in results if each["status"] not in ("passed", "skipped")] == []
