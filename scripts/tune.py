"""Choose agents' defaults: as many settings, seeds and children for each, on the moons table."""

from nas_gym.benchmark.arguments import TuningArguments
from nas_gym.cli import run_script

if __name__ == "__main__":
    run_script(TuningArguments, __doc__)
