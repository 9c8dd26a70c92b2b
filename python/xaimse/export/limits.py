"""What a model card can say, as its schema (model-card.schema.json) has it."""

SCHEMA_VERSION = "1.0"
MOST_PIXELS = 100_000  # of a side
MOST_CLASSES = 100_000
INTERPOLATIONS = ("bilinear", "bicubic")
