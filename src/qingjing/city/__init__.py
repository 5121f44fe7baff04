"""The room that plays: a seeded city with planted violations and the truth about them."""
