"""How many titles a second does bulk scoring answer, and what survives a kill?"""
