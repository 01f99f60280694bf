"""What a record may look like, said to whoever has sent one that does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import inspect

from trustward.model.nearest import nearest

_STEP = re.compile(r"\.([^.\[\]]+)|\[([^\]]*)\]")
_QUOTED = re.compile(r"['`]([^'`]*)['`]")
_MANY = 40


def remedy_for(kind: Any, found: Any, fault: msgspec.ValidationError) -> str:
    """What to do about a fault of ``found``, JSON or what was read from a file, which should be of the type ``kind``.

    >>> class Step(msgspec.Struct, tag="done", tag_field="step", forbid_unknown_fields=True):
    ...     said: str
    >>> def told(found):
    ...     try:
    ...         msgspec.convert(found, Step)
    ...     except msgspec.ValidationError as fault:
    ...         return remedy_for(Step, found, fault)
    >>> told({"step": "doen"})
    'did you mean done?'
    >>> told({"step": "done", "sayd": "x"})
    'did you mean said?'
    >>> told({"step": "done"})
    'it needs said; it takes said'
    >>> told({"step": "done", "said": 1})
    'give what is expected there'
    """
    if isinstance(found, bytes):
        found = _read(found)
    words, _, path = str(fault).partition(" - at `")
    steps = [key or at for key, at in _STEP.findall(path.rstrip("`").removeprefix("$"))]
    word = next(iter(_QUOTED.findall(words)), "")
    if words.startswith("Object "):
        places = _at(kind, found, steps)
        takes = [field.encode_name for place in places for field in place.fields]
        if " unknown field " in words:
            return _one_of(word, takes)
        if " missing required field " in words:
            tags = [str(place.tag_field) for place in places if place.tag_field]
            needs = [field.encode_name for place in places for field in place.fields if field.required]
            needs, takes = ([tags[0]], []) if word in tags else (needs, takes)
            return f"it needs {_list(needs)}" + (f"; it takes {_list(takes)}" if takes else "")
    if words.startswith("Invalid enum value "):
        kinds = _kinds(kind, found, steps)
        return _one_of(
            word, [str(value) for one in kinds if isinstance(one, inspect.LiteralType) for value in one.values]
        )
    if words.startswith("Invalid value ") and steps:
        structs = [one for one in _kinds(kind, {}, steps[:-1]) if isinstance(one, inspect.StructType)]
        return _one_of(word, [str(one.tag) for one in structs if one.tag is not None])
    return "give what is expected there"


def _read(body: bytes) -> Any:
    # What comes after the fault was not looked at yet: it may be no JSON at all.
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _one_of(word: str, known: Iterable[str]) -> str:
    known = list(dict.fromkeys(known))
    near = nearest(word, known)
    if near:
        return f"did you mean {near}?"
    return f"one of: {_list(known)}" if known else "give what is expected there"


def _list(names: Iterable[str]) -> str:
    told = list(dict.fromkeys(names))
    return ", ".join(told[:_MANY]) + (", ..." if len(told) > _MANY else "")


def _at(kind: Any, found: Any, steps: list[str]) -> list[inspect.StructType]:
    return [one for one in _kinds(kind, found, steps) if isinstance(one, inspect.StructType)]


def _kinds(kind: Any, found: Any, steps: list[str]) -> list[inspect.Type]:
    """The types that may stand at a place; of several records the one whose tag is there."""
    kinds = list(_flat(inspect.type_info(kind), found))
    for step in steps:
        within = _value(found, step)
        kinds = [each for one in kinds for inner in _inner(one, step) for each in _flat(inner, within)]
        found = within
    return kinds


def _value(found: Any, step: str) -> Any:
    if isinstance(found, Mapping):
        return found.get(step)
    if isinstance(found, list) and step.isdigit() and int(step) < len(found):
        return found[int(step)]
    return None


def _flat(one: inspect.Type, found: Any) -> Iterator[inspect.Type]:
    if isinstance(one, inspect.Metadata):
        yield from _flat(one.type, found)
    elif isinstance(one, inspect.UnionType):
        structs = [each for each in one.types if isinstance(each, inspect.StructType)]
        tagged = [
            each for each in structs if isinstance(found, Mapping) and found.get(each.tag_field or "") == each.tag
        ]
        for each in one.types:
            if not (tagged and each in structs) or each in tagged:
                yield from _flat(each, found)
    else:
        yield one


def _inner(one: inspect.Type, step: str) -> Iterator[inspect.Type]:
    if isinstance(one, inspect.StructType):
        yield from (field.type for field in one.fields if field.encode_name == step)
    elif isinstance(one, inspect.ListType | inspect.VarTupleType | inspect.SetType | inspect.FrozenSetType):
        yield one.item_type
    elif isinstance(one, inspect.TupleType):
        yield from one.item_types
    elif isinstance(one, inspect.DictType):
        yield one.value_type
