"""Does the store keep its promises under load, under kills and with damaged artifacts?"""
