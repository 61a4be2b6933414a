"""Loads what a library is used for here, and not what else it brings, which costs time at each start, and memory.

Which parts those are is known to whoever loads the library. No file but this may touch `sys.modules`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec, module_from_spec


@contextmanager
def without(module: str) -> Iterator[None]:
    """Let a module be missing for whoever asks for it meanwhile and can do without it; one that is loaded stays."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment]  # so importlib is told that there is none
    try:
        yield
    finally:
        del sys.modules[module]


@contextmanager
def inside(package: str) -> Iterator[None]:
    """Let modules of a package be loaded meanwhile without its `__init__`, which would load all of it.

    Whoever imports the package itself later gets it whole. One that is loaded, or isn't installed, changes nothing.
    """
    spec = None if package in sys.modules else find_spec(package)
    if spec is None:
        yield
        return
    sys.modules[package] = module_from_spec(spec)
    try:
        yield
    finally:
        del sys.modules[package]
