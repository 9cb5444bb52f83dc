# SPDX-License-Identifier: Apache-2.0
"""Runs the parts and prints the table; exit status 1 if a bar is missed."""

import sys

import machine
import parts


def show(row):
    verdict = {True: "ok", False: "MISSED", None: ""}[row.is_ok]
    print(f"{row.what:<42} {row.measured:<24} {row.spread:<34} {row.bar:<17} {verdict}", flush=True)


def main(names):
    unknown = [name for name in names if name not in parts.ALL]
    if unknown:
        sys.exit(f"bench: no part {', '.join(unknown)}; there are {' '.join(parts.ALL)}")
    print(f"{'what':<42} {'measured (median)':<24} {'spread (middle half)':<34} {'bar':<17}")
    missed = 0
    for name in names or parts.ALL:
        for row in parts.ALL[name]():
            show(row)
            missed += row.is_ok is False
    if machine.noisy_turns:
        print(f"The machine was never quiet before {machine.noisy_turns} of the turns: take the figures with care.")
    sys.exit(missed > 0)


main(sys.argv[1:])
