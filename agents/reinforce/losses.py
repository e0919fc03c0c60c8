"""Objectives of the policy, given how probable it makes what was done."""

from torch import Tensor


def clipped_surrogate(
    log_likelihoods: Tensor, before: Tensor, advantages: Tensor, clip_range: float
) -> Tensor:
    """Return the mean of advantages weighted by clipped importance ratios.

    The ratio of an episode, its probability now over that when it was drawn, stops earning once it has
    left ``[1 - clip_range, 1 + clip_range]`` in the direction that its advantage rewards. Where nothing
    has changed yet, all ratios are 1 and the gradient is REINFORCE's.

    Paper: Schulman et al. 2017, PPO, https://arxiv.org/abs/1707.06347. Different: one ratio for a whole
    episode instead of one a step, since there is one reward.

    Args:
        log_likelihoods: Of the episodes under the policy, shape ``(episodes,)``.
        before: The same under the policy that drew them, without gradient.
        advantages: Shape ``(episodes,)``.
        clip_range: How far a ratio may move, above 0.
    """
    ratios = (log_likelihoods - before).exp()
    clipped = ratios.clamp(1.0 - clip_range, 1.0 + clip_range)
    return (ratios * advantages).minimum(clipped * advantages).mean()
