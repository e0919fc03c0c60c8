"""Train a run's best networks from scratch, beside hand-designed references, and read the test data."""

from nas_gym.cli import Retrain, run_script

if __name__ == "__main__":
    run_script(Retrain, __doc__)
