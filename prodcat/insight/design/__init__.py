"""The design of pages for people: colours, numbers, texts in eight languages and components."""

from prodcat.insight.design.page import DesignPage
from prodcat.insight.design.tables import Column, Filters, Table
from prodcat.insight.design.texts import LANGUAGES, check_language

__all__ = ["LANGUAGES", "Column", "DesignPage", "Filters", "Table", "check_language"]
