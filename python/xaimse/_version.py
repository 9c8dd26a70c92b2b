"""The version of everything here: CMake and the wheel read this line."""

__version__ = "0.1.0"
