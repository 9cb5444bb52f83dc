# SPDX-License-Identifier: Apache-2.0
"""Holds lines against docs/events.schema.json."""

import functools
import json

import expect
from settings import schema_path

try:
    import jsonschema
except ImportError:
    jsonschema = None

EVERY_LINE = 200  # of a session; after that, each line whose shape is new and each hundredth


@functools.cache
def _validators():
    """One validator for each type of event: as strict as the whole schema and several times as fast."""
    if jsonschema is None:
        raise expect.Failure("python3-jsonschema is not installed: no line can be held against the schema")
    schema = json.loads(schema_path().read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validators = {}
    for case in schema["allOf"]:
        name = case["if"]["properties"]["type"]["const"]
        validators[name] = jsonschema.Draft202012Validator({**case["then"], "$defs": schema["$defs"]})
    return validators


def errors(event):
    """What is wrong with an event, a sentence each."""
    validator = _validators().get(event.get("type"))
    if validator is None:
        return [f"unknown type {event.get('type')!r}"]
    return [f"{event['type']}: {'.'.join(map(str, error.absolute_path)) or 'the event'}: {error.message}"
            for error in validator.iter_errors(event)]


class Checker:
    """Checks the lines of one session, and not the 30,000th of one shape.

    `violations`: each distinct one with the first event that had it.
    """

    def __init__(self):
        self.seen = 0
        self.shapes = set()
        self.violations = {}

    def __call__(self, event):
        self.seen += 1
        if self.seen > EVERY_LINE and self.seen % 100:
            shape = _shape(event)
            if shape in self.shapes:
                return
            self.shapes.add(shape)
        for error in errors(event):
            self.violations.setdefault(error, expect.summary(event))


def _shape(value):
    if isinstance(value, dict):
        return tuple((key, _shape(part)) for key, part in value.items())
    if isinstance(value, list):
        return tuple({_shape(part) for part in value})
    return type(value)
