// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents
internal import TrustRunSensor

/// Tells what the kernel side and the decoder could not deliver, once for each loss.
struct LossMeter {
    private var drops = [UInt64](repeating: 0, count: Sensor.recordKindCount)
    private let capabilityNames: [String]
    private var misses: [UInt64]

    init(_ capabilities: [Sensor.Capability]) {
        capabilityNames = capabilities.map(\.name)
        misses = capabilityNames.map { _ in 0 }
    }

    /// What was lost since the last call.
    mutating func take(from sensor: borrowing Sensor, _ pipeline: Pipeline) -> [LossEntry] {
        var losses: [LossEntry] = []
        if let loss = pipeline.takeDecodeLoss() { losses.append(loss) }
        var counts = drops
        if sensor.readDrops(into: &counts) {
            for kind in RecordKind.allCases where counts[Int(kind.rawValue)] > drops[Int(kind.rawValue)] {
                let count = counts[Int(kind.rawValue)] - drops[Int(kind.rawValue)]
                losses.append(LossEntry(stage: .kernel, record: kind.name, count: count))
            }
            drops = counts
        }
        for (index, name) in capabilityNames.enumerated() {
            let count = sensor.misses(of: index)
            guard count > misses[index] else { continue }
            losses.append(LossEntry(stage: .kernel, record: name, count: count - misses[index]))
            misses[index] = count
        }
        return losses
    }
}
