"""What a take is worth, for people: figures, places to check, advice, previews."""
