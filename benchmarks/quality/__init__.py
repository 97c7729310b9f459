"""Does prodcat answer more titles with the right path than what a team would otherwise use?"""
