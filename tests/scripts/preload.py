"""What is slow to import and what every process of these tests needs."""

import nas_gym.evaluators.local
import nas_gym.problems.registration
import nas_gym.studies.retraining_folder  # noqa: F401
