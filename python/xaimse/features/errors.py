"""What ends xai-features."""


class FeaturesError(ValueError):
    """A model or photographs that cannot be measured; one line that says which, why, and what to do."""
