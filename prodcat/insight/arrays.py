"""Types of NumPy arrays: ``Flags`` of bool, ``Floats`` of float64, ``Ints`` of int64."""

from prodcat.taxonomy.arrays import Flags, Floats, Ints

__all__ = ["Flags", "Floats", "Ints"]
