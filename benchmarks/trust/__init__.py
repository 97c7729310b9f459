"""Attacks on places, requests and outputs."""
