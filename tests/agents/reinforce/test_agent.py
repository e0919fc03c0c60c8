import copy
from pathlib import Path
from typing import Any, cast

import gymnasium as gym
import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from agents import AGENTS
from agents.errors import InvalidArgumentError
from agents.reinforce import Reinforce
from agents.reinforce.agent import Baseline
from agents.reinforce.policy import Cell, RecurrentPolicy
from nas_gym.search_spaces import MlpSpace
from tests.agents.doubles import CountingEvaluator, make_vec

LANES = 7
SPACE = MlpSpace()


def likelihood_and_entropy(policy: RecurrentPolicy, text: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums over one sentence, token by token, from the definition."""
    state, previous = None, 0
    likelihood, entropy = torch.zeros(()), torch.zeros(())
    sentence = SPACE.encode(SPACE.parse(text))
    for position, token in enumerate(sentence):
        embedded = policy.embedding(torch.tensor([[previous]]))
        output, state = policy.cell(embedded, state)
        legal = torch.from_numpy(SPACE.legal_next(sentence[:position]))
        log_probabilities = policy.head(output[0, 0])[legal].log_softmax(dim=0)
        likelihood = likelihood + log_probabilities[int(legal[:token].sum())]
        entropy = entropy - (log_probabilities.exp() * log_probabilities).sum()
        previous = token + 1
    return likelihood, entropy


@pytest.mark.parametrize(
    ("cell", "baseline", "entropy_weight", "scale_advantages"),
    [
        ("gru", "batch_mean", 0.0, False),
        ("gru", "moving_average", 0.0, False),
        ("gru", "moving_average", 0.3, True),
        ("lstm", "batch_mean", 0.3, True),
        ("nascell", "batch_mean", 0.3, True),
    ],
)
def test_update__gradient_is_that_of_the_documented_loss(
    cell: str, baseline: str, entropy_weight: float, scale_advantages: bool
) -> None:
    env = make_vec(LANES)
    agent = Reinforce(
        env,
        hidden_size=5,
        cell=cast("Cell", cell),
        baseline=cast("Baseline", baseline),
        baseline_decay=0.7,
        entropy_weight=entropy_weight,
        entropy_decay=0.5,
        scale_advantages=scale_advantages,
        max_grad_norm=1e6,
        learning_rate=0.05,
    )
    means: list[float] = []
    for update in range(3):
        policy = copy.deepcopy(agent.policy)
        agent.learn(LANES)
        rows = env.episodes[-LANES:]
        returns = np.array([episode.reward for episode in rows])
        means.append(float(returns.mean()))
        expected_baseline = {
            "batch_mean": means[-1],
            "moving_average": [means[0], means[0], 0.7 * means[0] + 0.3 * means[min(1, update)]][update],
        }[baseline]
        advantages = returns - expected_baseline
        if scale_advantages:
            advantages = advantages / (np.sqrt(((advantages - advantages.mean()) ** 2).mean()) + 1e-3)
        loss = torch.zeros(())
        for episode, advantage in zip(rows, advantages.tolist(), strict=True):
            likelihood, entropy = likelihood_and_entropy(policy, str(episode.architecture))
            loss = loss - (advantage * likelihood + entropy_weight * 0.5**update * entropy) / LANES
        policy.zero_grad()
        loss.backward()
        for expected, found in zip(policy.parameters(), agent.policy.parameters(), strict=True):
            assert expected.grad is not None and found.grad is not None
            assert expected.grad.abs().max() > 0
            assert torch.allclose(expected.grad, found.grad, rtol=1e-4, atol=1e-7)


def test_update__scales_large_gradients_down_to_the_largest_norm() -> None:
    agent = Reinforce(make_vec(LANES), max_grad_norm=1e-3).learn(LANES)
    gradients = [parameter.grad for parameter in agent.policy.parameters() if parameter.grad is not None]
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm().item()
    assert norm == pytest.approx(1e-3, rel=1e-2)


def test_update__logs_a_decaying_entropy_weight_and_the_baseline(tmp_path: Path) -> None:
    env = make_vec(LANES)
    Reinforce(env, entropy_weight=0.2, entropy_decay=0.9, baseline_decay=0.8, tensorboard_log=tmp_path).learn(
        2 * LANES
    )
    accumulator = EventAccumulator(str(tmp_path))
    accumulator.Reload()
    logged = {tag: [e.value for e in accumulator.Scalars(tag)] for tag in accumulator.Tags()["scalars"]}
    mean = np.mean([episode.reward for episode in env.episodes[:LANES]])
    assert logged["train/entropy_weight"] == pytest.approx([0.2, 0.18])
    assert logged["train/baseline"] == pytest.approx([mean, mean])
    assert logged["rollout/ep_rew_mean"][0] == pytest.approx(mean)
    assert logged["rollout/ep_len_mean"][0] > 1
    # log of the number of legal tokens is the most entropy that a step can have
    assert -6 * np.log(10) <= logged["train/entropy_loss"][0] < -np.log(9)


@pytest.mark.parametrize("single", [True, False])
def test_reinforce__works_on_gymnasiums_own_environments(single: bool) -> None:
    evaluator = CountingEvaluator()

    def make() -> gym.Env[Any, Any]:
        return gym.make("nas_gym:NAS-Moons-v0", evaluator=evaluator)

    env = make() if single else SyncVectorEnv([make] * 3)
    agent = Reinforce(env).learn(8)
    assert agent.num_architectures == evaluator.children == 8
    assert agent.num_updates == (8 if single else 3)


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_reinforce__learns_the_same_in_every_autoreset_mode(mode: AutoresetMode) -> None:
    def make() -> gym.Env[Any, Any]:
        return gym.make("nas_gym:NAS-Moons-v0", evaluator=CountingEvaluator())

    ours = Reinforce(make_vec(5)).learn(25)
    theirs = Reinforce(SyncVectorEnv([make] * 5, autoreset_mode=mode)).learn(25)
    for expected, found in zip(ours.policy.parameters(), theirs.policy.parameters(), strict=True):
        assert torch.equal(expected, found)


def test_reinforce__never_takes_an_illegal_token() -> None:
    env = make_vec(50)
    # without rewards to follow it explores; EOS is illegal at first and likely later
    Reinforce(env, learning_rate=0.0).learn(1_000)
    assert {episode.status for episode in env.episodes} == {"ok"}
    assert {len(str(episode.architecture).split()) for episode in env.episodes} == {1, 2, 3, 4, 5, 6}


@pytest.mark.slow
@pytest.mark.timeout(60)  # trains 2,000 networks, which is what is to be shown
def test_reinforce__learns_to_design_networks() -> None:
    # A random agent's mean reward is about 0.885; 2,000 architectures suffice for 0.972 (0.96 is asked).
    random_score, score_to_reach = 0.885, 0.96
    env = make_vec(AGENTS["reinforce"].num_envs, evaluator="fused")
    Reinforce(env, seed=0).learn(2_000)
    rewards = [episode.reward for episode in env.episodes]
    assert np.mean(rewards[:100]) == pytest.approx(random_score, abs=0.02)  # it begins as a random one
    assert np.mean(rewards[-200:]) >= score_to_reach


@pytest.mark.parametrize(
    ("stochastic", "cell", "baseline"),
    [(False, "lstm", "batch_mean"), (True, "gru", "moving_average"), (True, "nascell", "ranks")],
)
def test_load__goes_on_with_the_same_parameters_and_arguments(
    stochastic: bool, cell: str, baseline: str, tmp_path: Path
) -> None:
    def make() -> Reinforce:
        return Reinforce(
            make_vec(4, stochastic=stochastic),
            cell=cast("Cell", cell),
            baseline=cast("Baseline", baseline),
            hidden_size=9,
            entropy_weight=0.4,
            seed=11,
        )

    uninterrupted = make().learn(20)
    make().learn(8).save(tmp_path / "checkpoint.pt")
    torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    resumed = Reinforce.load(tmp_path / "checkpoint.pt", make_vec(4, stochastic=stochastic)).learn(12)
    for expected, found in zip(uninterrupted.policy.parameters(), resumed.policy.parameters(), strict=True):
        assert torch.equal(expected, found)


def test_predict__follows_the_policy_and_the_masks() -> None:
    agent = Reinforce(make_vec(4), hidden_size=6)
    sentence = SPACE.encode(SPACE.parse("Linear-8 Tanh"))[:2]
    observation = np.array([token + 1 for token in sentence] + [0] * 4)
    with torch.no_grad():
        previous = torch.tensor([[0, *(token + 1 for token in sentence)]])
        log_probabilities, _ = agent.policy(previous, torch.ones(1, 3, 10, dtype=torch.bool))
    ranking = log_probabilities[0, 2].argsort(descending=True)
    action, _ = agent.predict(observation, deterministic=True)
    assert int(action) == int(ranking[0])
    mask = np.ones(10, dtype=np.bool_)
    mask[ranking[:3]] = False
    both: list[Any] = [mask, mask.astype(np.int8)]  # sb3-contrib's convention and Gymnasium's
    for given in both:
        action, _ = agent.predict(observation, deterministic=True, action_masks=given)
        assert int(action) == int(ranking[3])
    drawn, _ = agent.predict(np.tile(observation, (4_000, 1)), action_masks=np.tile(mask, (4_000, 1)))
    frequencies = np.bincount(drawn, minlength=10) / 4_000
    probabilities = log_probabilities[0, 2].exp().numpy() * mask
    assert (frequencies[~mask] == 0).all()
    assert np.allclose(frequencies, probabilities / probabilities.sum(), atol=0.04)  # five deviations


def test_predict__each_lane_is_read_at_its_own_length() -> None:
    agent = Reinforce(make_vec(4), hidden_size=6, learning_rate=0.1).learn(40)
    observations = np.zeros((7, 6), dtype=np.int64)
    for lane in range(6):
        observations[lane, :lane] = np.arange(lane) + 1
    masks = np.random.default_rng(0).random((7, 10)) < 0.5
    masks[:, 0] = True
    together, _ = agent.predict(observations, deterministic=True, action_masks=masks)
    apart = [
        int(agent.predict(observation, deterministic=True, action_masks=mask)[0])
        for observation, mask in zip(observations, masks, strict=True)
    ]
    assert together.tolist() == apart


@pytest.mark.parametrize(
    "wrong",
    [
        {"cell": "rnn"},
        {"baseline": "none"},
        {"hidden_size": 0},
        {"hidden_size": 8.0},
        {"hidden_size": True},
        {"learning_rate": -1e-3},
        {"learning_rate": float("nan")},
        {"learning_rate": "fast"},
        {"learning_rate": None},
        {"baseline_decay": 1.5},
        {"entropy_weight": float("inf")},
        {"entropy_decay": -0.1},
        {"max_grad_norm": -1.0},
        {"seed": -1},
    ],
    ids=str,
)
def test_reinforce__refuses_bad_arguments_in_one_line(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError) as error:
        Reinforce(make_vec(2), **wrong)
    ((name, value),) = wrong.items()
    assert name in str(error.value) and repr(value) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.slow  # 800 updates of one episode each
@pytest.mark.timeout(60)
def test_reinforce__learns_on_a_single_environment() -> None:
    rewards: list[float] = []

    class Remember(gym.Wrapper[Any, Any, Any, Any]):
        def step(self, action: np.int64) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
            result = self.env.step(action)
            if result[2]:
                rewards.append(float(result[1]))
            return result

    Reinforce(Remember(gym.make("NAS-Moons-v0")), seed=0).learn(800)
    assert sum(rewards[-100:]) / 100 >= 0.95  # a random agent earns 0.88
