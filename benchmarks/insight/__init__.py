"""Are the figures right that people look at?"""
