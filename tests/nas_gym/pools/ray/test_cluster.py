from typing import Any

import pytest

from nas_gym.errors import WorkerError

pytest.importorskip("ray", reason="Ray is not installed: pip install 'nas_gym[ray]'")

from nas_gym.pools.ray.cluster import is_alive
from nas_gym.pools.ray.pool import Ray


@pytest.mark.parametrize("nowhere", ["127.0.0.1:1", "auto"])
def test_ray__that_is_not_there_is_one_line(nowhere: str) -> None:
    with Ray(1, nowhere) as pool, pytest.raises(WorkerError, match=f"^there is no Ray at {nowhere}, it must"):
        list(pool.map(abs, [-1]))


@pytest.mark.slow  # a cluster takes ten seconds to start, and each worker two
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # of Ray's own
def test_ray__is_connected_to_one_cluster_at_a_time(cluster: Any) -> None:  # noqa: ANN401
    with Ray(1, cluster.address) as pool, Ray(1, cluster.address) as other, Ray(1, "127.0.0.1:1") as third:
        assert list(pool.map(abs, [-1])) == [(0, 1)]
        with pytest.raises(WorkerError, match=f"^this process is connected to Ray at {cluster.address}, it"):
            list(third.map(abs, [-1]))
        assert list(other.map(abs, [-2])) == [(0, 2)]
        other.close()
        assert list(pool.map(abs, [-3])) == [(0, 3)], "who is left keeps the connection"


@pytest.mark.slow  # a cluster takes ten seconds to start
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")  # of Ray's own
def test_node__that_does_not_answer_is_not_alive_whatever_the_cluster_takes_it_for(own_cluster: Any) -> None:  # noqa: ANN401
    node = next(node for node in own_cluster.list_all_nodes() if node is not own_cluster.head_node)
    with Ray(1, own_cluster.address) as pool:
        assert dict(pool.map(abs, [-1])) == {0: 1}
        assert is_alive(node.node_id)
        raylet = node.all_processes["raylet"][0].process
        raylet.kill()
        raylet.wait()  # until it has ended, it may answer
        assert not is_alive(node.node_id)
        assert not is_alive("no node")
