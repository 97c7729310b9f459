"""Colours: text can be read in both schemes, and every colour that the styles use exists."""

import re

import pytest

from prodcat.insight.design.colours import BAND_PAIRS, EDGE_PAIRS, SCHEMES, TEXT_PAIRS, contrast
from prodcat.insight.design.page import design_file


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("pairs, least", [(TEXT_PAIRS, 4.5), (EDGE_PAIRS, 3.0), (BAND_PAIRS, 1.5)])
def test_colours_have_enough_contrast(scheme, pairs, least):
    colours = SCHEMES[scheme]
    weak = [pair for pair in pairs if contrast(colours[pair[0]], colours[pair[1]]) < least]
    assert not weak


def test_contrast_is_that_of_wcag():
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#ffffff", "#777777") == contrast("#777777", "#ffffff")


def test_the_styles_use_named_colours_alone():
    styles = design_file("design.css")
    used = set(re.findall(r"var\(--([a-z-]+)\)", styles))
    assert used <= set(SCHEMES["light"]) and set(SCHEMES["light"]) == set(SCHEMES["dark"])
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?!-)", re.sub(r"#f-[a-z]+", "", styles))
