"""Which epoch is kept."""

from prodcat.classifier.records import EpochResult
from prodcat.training.validation import best_of, is_better


def test_a_title_or_two_do_not_decide_which_epoch_is_kept():
    def epoch(number, accuracy, log_loss):
        return EpochResult(number, None, accuracy, log_loss, 0.0)

    def kept(*epochs, rows=1_000):
        best = epochs[0]
        for end, own in enumerate(epochs[1:], start=2):
            best = own if is_better(own, best, epochs[:end], rows) else best
        return best.epoch

    # Half a standard error at .9 and 1,000 titles: .0047.
    assert kept(epoch(0, 0.850, 0.9), epoch(1, 0.900, 0.60), epoch(2, 0.898, 0.50)) == 2
    assert kept(epoch(0, 0.850, 0.9), epoch(1, 0.900, 0.60), epoch(2, 0.890, 0.50)) == 1
    assert kept(epoch(0, 0.850, 0.9), epoch(1, 0.900, 0.60), epoch(2, 0.898, 0.65)) == 1
    # A clear gain counts, whatever the log-loss is.
    assert kept(epoch(0, 0.850, 0.5), epoch(1, 0.900, 0.60)) == 1
    # Small steps down do not add up: the floor is under the greatest, not under the last.
    steps = [epoch(n, 0.900 - 0.004 * n, 0.6 - 0.1 * n) for n in range(4)]
    assert kept(*steps) == 1
    # With many titles the same difference is no noise.
    assert kept(epoch(1, 0.900, 0.60), epoch(2, 0.898, 0.50), rows=100_000) == 1


def test_the_best_of_several_epochs():
    epochs = [EpochResult(n, 0.1, a, b, 0.0) for n, a, b in ((1, 0.8, 0.9), (2, 0.9, 0.6))]
    assert best_of([], 100) is None
    assert best_of(epochs, 100) is epochs[1] and best_of(epochs[::-1], 100) is epochs[1]
