"""What is slow to import and what every process of these tests needs."""

import nas_gym.envs.registration
import nas_gym.evaluation.local
import nas_gym.evaluation.retraining_folder  # noqa: F401
