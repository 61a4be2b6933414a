"""Values of every shape that a type allows, for laws about keeping them."""

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=12) | st.text(max_size=300),
    bool: st.booleans(),
    int: st.integers(min_value=-(2**40), max_value=2**60),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bytes: st.binary(max_size=300),
    datetime: st.datetimes(timezones=st.just(UTC)),
    NoneType: st.none(),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any type that a model's field may have
    """Return values for every field of a dataclass, whatever its default, and so on within."""
    if kind in SIMPLE:
        return SIMPLE[kind]
    if is_dataclass(kind) and isinstance(kind, type):
        hints = get_type_hints(kind)
        return st.builds(kind, **{field.name: values_of(hints[field.name]) for field in fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    return _of_many(kind, get_args(kind))


def _of_many(kind: Any, parts: tuple[Any, ...]) -> st.SearchStrategy[Any]:  # noqa: ANN401 - as above
    if isinstance(kind, UnionType):
        return st.one_of([values_of(part) for part in parts])
    if get_origin(kind) is tuple and parts[-1] is Ellipsis:
        return st.lists(values_of(parts[0]), max_size=3).map(tuple)
    if get_origin(kind) is tuple:
        return st.tuples(*map(values_of, parts))
    raise TypeError(kind)
