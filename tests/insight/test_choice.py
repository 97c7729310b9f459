"""The choice of titles that stand for many others."""

import numpy as np

from prodcat.insight.choice import choose


def test_the_choice_covers_the_weight():
    groups = ["süt tam yağlı", "ekmek kepekli", "çikolata fındıklı"]
    texts = [f"{group} {number}" for group in groups for number in range(20)]
    weight = np.ones(60)
    chosen, gains = choose(texts, weight, 3)
    assert {row // 20 for row in chosen} == {0, 1, 2}
    assert gains == sorted(gains, reverse=True)
    weight[:20] = 0
    weight[20:40] = 5
    chosen, _ = choose(texts, weight, 2)
    assert [row // 20 for row in chosen] == [1, 2]
    # Every one once, whatever the budget; and no more of a node than it has.
    assert sorted(choose(texts, np.ones(60), 100)[0]) == list(range(60))
    nodes = np.arange(60) // 20
    chosen, _ = choose(texts, np.ones(60), 100, nodes, 2)
    assert np.bincount(nodes[chosen]).tolist() == [2, 2, 2]
