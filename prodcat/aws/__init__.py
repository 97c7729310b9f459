"""Thin adapters: what AWS says in the environment becomes calls of the library."""
