// SPDX-License-Identifier: Apache-2.0

import CTrustRunSensor
import Testing
import TrustRunEvents

@Suite struct RecordFlagsTests {
    @Test func haveTheBitsOfTheKernelSide() {
        let flags: [(SensorEvent.Flags, Int)] = [
            (.existing, TR_FLAG_EXISTING), (.truncated, TR_FLAG_TRUNCATED), (.inbound, TR_FLAG_INBOUND),
            (.alive, TR_FLAG_ALIVE), (.quic, TR_FLAG_QUIC), (.egress, TR_FLAG_EGRESS), (.tcp, TR_FLAG_TCP),
            (.syn, TR_FLAG_SYN), (.noTask, TR_FLAG_NO_TASK), (.kernelThread, TR_FLAG_KERNEL),
            (.removed, TR_FLAG_REMOVED),
        ]
        for (flag, bit) in flags { #expect(Int(flag.rawValue) == bit) }
    }
}
