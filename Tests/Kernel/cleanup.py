# SPDX-License-Identifier: Apache-2.0
"""What a test made is undone when the test ends; what a module or the run shares, when that ends."""

import contextlib

_stacks = {"test": contextlib.ExitStack(), "module": contextlib.ExitStack(), "run": contextlib.ExitStack()}
_scope = ["test"]


def later(action, *arguments):
    """Undo with this, in reverse order, at the end of the scope."""
    _stacks[_scope[-1]].callback(action, *arguments)


@contextlib.contextmanager
def scope(name):
    """What is made within belongs to the `module` or the `run`, not to the test."""
    _scope.append(name)
    try:
        yield
    finally:
        _scope.pop()


def end(name):
    stack = _stacks[name]
    _stacks[name] = contextlib.ExitStack()
    stack.close()


def once(name):
    """Wraps a function so that its first result is kept until the `module` or the `run` is over."""
    def wrap(make):
        kept = []

        def shared():
            if not kept:
                with scope(name):
                    later(kept.clear)
                    kept.append(make())
            return kept[0]

        return shared
    return wrap
