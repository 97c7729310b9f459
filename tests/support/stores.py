"""Classifiers to publish, and the command line as it is called in a test."""

from dataclasses import replace

from prodcat.decisions.weights import Weights


def another(classifier, number):
    """A classifier whose files differ."""
    weights = classifier.weights
    own = Weights(weights.evidence * (1 + number / 100), weights.levels, weights.sharpness)
    return replace(classifier, reader=replace(classifier.reader, weights=own))


def run(capsys, *arguments, code=0):
    """What a command writes, when it ends with this code."""
    from prodcat.cli.command import main

    assert main([str(argument) for argument in arguments]) == code
    shown = capsys.readouterr()
    return shown.out + shown.err
