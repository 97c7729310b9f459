"""Product titles with their categories: reads and checks rows, normalises text, splits."""
