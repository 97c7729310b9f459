"""What a tree became in its next version; see README.md."""
