"""WHAT IS A CHILD WORTH? Ways to find out; no Gymnasium, no agents.

Evaluators are named, not imported, so that ``import nas_gym`` loads neither PyTorch nor Numba.
"""

EVALUATORS: dict[str, str] = {
    "fused": "nas_gym.evaluators.fused.evaluator:FusedMlpEvaluator",
    "local": "nas_gym.evaluators.local:LocalEvaluator",
    "processes": "nas_gym.evaluators.processes:ProcessEvaluator",
    "table": "nas_gym.evaluators.lookup:TableEvaluator",
}
