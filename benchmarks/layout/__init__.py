"""Does the package answer as the commit before its new layout?"""
