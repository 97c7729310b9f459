"""How long does training take until it is as good as the Hugging Face Trainer?"""
