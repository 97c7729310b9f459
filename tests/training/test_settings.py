"""Settings that do not go together."""

from dataclasses import replace

import pytest
from training_runs import fit

from prodcat.errors import ConfigError


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"structure": "flat"}, "structure='flat' does not go with .* which has 'stacked'"),
        ({"belief_width": 4}, "belief_width=4 does not go with"),
        ({"encoder": "other"}, "encoder='other' does not go with"),
    ],
)
def test_a_warm_start_of_another_kind_is_refused(last, some, encoder_folder, model, message):
    with pytest.raises(ConfigError, match=message):
        fit(some, encoder_folder, model=replace(last.model, **model), warm_start=last)
