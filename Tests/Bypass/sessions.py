# SPDX-License-Identifier: Apache-2.0
def run(place, bench, pattern):
    return []
