"""The first hour with prodcat: how long until the first right answer; see README.md."""
