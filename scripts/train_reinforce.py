"""Train the REINFORCE agent on an environment of nas_gym."""

from nas_gym.cli import Reinforce, run_script

if __name__ == "__main__":
    run_script(Reinforce, __doc__)
