// SPDX-License-Identifier: Apache-2.0

import TrustRunTestSupport

/// Nanoseconds since boot: `seconds` and `milliseconds` after the time at which the tests begin.
func at(_ seconds: UInt64, _ milliseconds: UInt64 = 0) -> UInt64 {
    (1000 + seconds) * EnrichmentBench.second + milliseconds * 1_000_000
}
