"""Train every architecture of an environment's search space and write a table of the results."""

if __name__ != "__main__":
    # PyTorch, among others, looks for the package of this name, and finds this file beside a running script.
    raise ImportError("scripts/tabulate.py is a command, not the package tabulate")

from nas_gym.cli import Tabulate, run_script

run_script(Tabulate, __doc__)
