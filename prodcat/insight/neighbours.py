"""The search for similar titles of :mod:`prodcat.model.neighbours`, under its earlier name."""

from prodcat.model.neighbours import LabelledNeighbour as LabelledNeighbour
from prodcat.model.neighbours import Neighbours as Neighbours
from prodcat.model.neighbours import labelled_neighbours as labelled_neighbours
