"""What is slow to import and what every process of these tests needs."""

import nas_gym.evaluators.trainers.pytorch
import nas_gym.studies.contest
import nas_gym.studies.study  # noqa: F401
