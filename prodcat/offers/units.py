"""Units of packs: how they are written in eight languages, and what they are worth."""

from functools import cache

from prodcat.errors import ConfigError

# The unit as it is reported, and a pattern of its spellings in small letters without accents.
SPELLINGS = {
    "kg": r"kgs?|kilos?|kilogram(?:s|m|me|mes|o|os|mo|mi|a|as)?|chil[oi]|quilos?|quilogramas?",
    "g": r"g|grs?|gms?|gram(?:s|m|me|mes|o|os|mo|mi|a|as)?",
    "lb": r"lbs?|pounds?",
    "oz": r"oz|ounces?|onzas?|oncas?",
    "fl oz": r"fl\.? ?oz\.?|fluid ounces?",
    "ml": r"mls?|cc|mil+ilit(?:er|ers|re|res|ro|ros|ri)",
    "cl": r"cls?|[cz]entilit(?:er|ers|re|res|ro|ros|ri)",
    "dl": r"dls?|[dz][ee][cz]ilit(?:er|ers|re|res|ro|ros|ri)",
    "l": r"l|lts?|ltrs?|lit(?:er|ers|re|res|ro|ros|ri)",
}
UNIT = "|".join(
    sorted(
        (part for pattern in SPELLINGS.values() for part in [f"(?:{pattern})"]),
        key=len,
        reverse=True,
    )
)
_PINT = {
    "kg": "kilogram", "g": "gram", "lb": "pound", "oz": "ounce", "fl oz": "fluid_ounce",
    "ml": "milliliter", "cl": "centiliter", "dl": "deciliter", "l": "liter",
}  # fmt: skip
MASSES = frozenset({"kg", "g", "lb", "oz"})
INSTALL = "Install it with: pip install 'prodcat[offers]'"


@cache
def factors() -> dict[str, float]:
    """How many grams or millilitres each unit is, by the unit.

    Raises:
        ConfigError: The package pint, which knows units, is not installed.
    """
    try:
        import pint
    except ImportError as error:
        raise ConfigError(f"Reading packs needs pint, which is not installed. {INSTALL}") from error
    registry = pint.UnitRegistry()
    return {
        unit: float(registry.Quantity(1.0, name).to("gram" if unit in MASSES else "ml").magnitude)
        for unit, name in _PINT.items()
    }


def base_unit(unit: str) -> str:
    """The unit of totals for a unit: ``g`` for weights, ``ml`` for volumes.

    >>> base_unit("kg"), base_unit("cl")
    ('g', 'ml')
    """
    return "g" if unit in MASSES else "ml"
