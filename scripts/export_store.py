"""Write what a store of evaluations holds as CSV, or as a table that an environment can be made of."""

from nas_gym.cli import ExportStore, run_script

if __name__ == "__main__":
    run_script(ExportStore, __doc__)
