"""How many requests does the server answer, and how does it bear load and hostile requests?"""
