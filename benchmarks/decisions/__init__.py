"""Are the decisions exact, is confidence honest, and do promises hold?"""
