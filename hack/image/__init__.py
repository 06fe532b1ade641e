"""The image as its users build it: the Dockerfile, by whichever container engine is there."""

from hack.image.building import Recipe, build
from hack.image.engines import Engine, EngineError, find_engine

__all__ = ["Engine", "EngineError", "Recipe", "build", "find_engine"]
