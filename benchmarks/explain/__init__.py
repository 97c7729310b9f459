"""Whether the reasons for answers are the reasons."""
