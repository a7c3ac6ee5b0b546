# Copyright: (c) The Daypass authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the code needs of `typing` while it runs, at a price that a short run can pay.

Importing typing and having it make our named tuples took a fifth of all that a run without a change computes.
Type checkers see typing's own; everything else of it is imported for them alone.
"""

from __future__ import annotations

from _operator import itemgetter  # the C half of operator, without the other

TYPE_CHECKING = False  # type checkers take it for true by its name

if TYPE_CHECKING:
    from typing import NamedTuple
else:

    class _Fields(type):
        """Makes annotated names the fields of a tuple; assigned values are their defaults."""

        def __new__(mcs, name, bases, namespace):
            fields = tuple(namespace.get("__annotations__", ()))
            defaults = {field: namespace.pop(field) for field in fields if field in namespace}
            getters = {field: property(itemgetter(place)) for place, field in enumerate(fields)}
            places = {field: place for place, field in enumerate(fields)}
            namespace.update(getters, __slots__=(), _fields=fields, _places=places, _field_defaults=defaults)
            return super().__new__(mcs, name, bases, namespace)

    class NamedTuple(tuple, metaclass=_Fields):
        """As typing's, with what we use of it: construction, fields, `_replace`, `_asdict`."""

        __slots__ = ()

        def __new__(cls, *given, **named):
            if named or len(given) != len(cls._fields):
                given = cls._filled(given, named)
            return tuple.__new__(cls, given)

        @classmethod
        def _filled(cls, given, named):
            if not given and len(named) == len(cls._fields):
                try:  # all by name, as most are made
                    return [named[field] for field in cls._fields]
                except KeyError:
                    pass
            values = {**cls._field_defaults, **dict(zip(cls._fields, given)), **named}
            twice = named.keys() & set(cls._fields[: len(given)])
            if twice or len(given) > len(cls._fields) or values.keys() != set(cls._fields):
                raise TypeError(f"{cls.__name__} takes {cls._fields}, not {given} and {named}")
            return [values[field] for field in cls._fields]

        def _replace(self, **changes):
            if changes.keys() - self._places.keys():
                raise ValueError(
                    f"{type(self).__name__} has no {sorted(changes.keys() - self._places.keys())}"
                )
            values = list(self)
            for field, value in changes.items():
                values[self._places[field]] = value
            return tuple.__new__(type(self), values)

        def _asdict(self):
            return dict(zip(self._fields, self))

        def __repr__(self):
            pairs = ", ".join(f"{field}={value!r}" for field, value in zip(self._fields, self))
            return f"{type(self).__name__}({pairs})"
