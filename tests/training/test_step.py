"""One step of the optimiser: nothing in its way."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from training_runs import an_epoch


class Counted(TorchDispatchMode):
    """Counts what makes the host wait for a device."""

    WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal")

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.__name__.split(".")[0]
        indices = args[1] if name == "index" else ()
        masks = any(i is not None and i.dtype == torch.bool for i in indices)
        if name in self.WAITS or masks:
            self.found.append(name)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("frozen", [0.0, 0.5])
@pytest.mark.parametrize("budget", [64, 300])
def test_a_step_never_waits_for_the_device(some, encoder_folder, frozen, budget):
    loop, run_epoch = an_epoch(some, encoder_folder, frozen, budget, "cpu")
    with Counted() as counted:
        run_epoch()
    # One look at the loss, at the end of the epoch.
    assert loop.batches.steps[0] > 3 and counted.found == ["_local_scalar_dense"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_no_step_waits_for_a_gpu(some, encoder_folder):
    """As the driver sees it: one wait an epoch, for its loss."""
    import warnings

    loop, run_epoch = an_epoch(some, encoder_folder, 0.5, 64, "cuda")
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            run_epoch()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    waits = [own for own in found if "synchronizing CUDA operation" in str(own.message)]
    assert loop.batches.steps[0] > 3 and len(waits) == 1
