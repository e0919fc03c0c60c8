"""Compare agents on environments: equal budgets and seeds, intervals, and what they allow to say."""

from nas_gym.benchmark.arguments import BenchmarkArguments
from nas_gym.cli import run_script

if __name__ == "__main__":
    run_script(BenchmarkArguments, __doc__)
