// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunTestSupport

@testable import TrustRunEnrichment

@Suite struct OpenTableTests {
    @Test func hasNoKeyZero() {
        var table = OpenTable<Int>()
        table[0] = 1
        #expect(table[0] == nil)
        #expect(table.update(0) { $0 } == nil)
        table[0] = nil
        #expect(table.count == 0)
    }

    @Test func changesInPlace() {
        var table = OpenTable<[Int]>()
        table[5] = [1]
        #expect(table.update(5) { $0.append(2) } != nil)
        #expect(table.update(6) { $0.append(2) } == nil)
        #expect(table[5] == [1, 2])
        #expect(table.count == 1)
    }

    /// Keys from a small range collide and make long runs; those from a wide one make the table grow.
    @Test(arguments: [(UInt64(1), UInt64(600)), (2, 5000), (3, .max)])
    func agreesWithADictionary(seed: UInt64, largest: UInt64) {
        print("OpenTable seed \(seed), keys to \(largest)")
        var generator = SeededGenerator(seed: seed)
        var table = OpenTable<UInt64>(minimumCapacity: 8)
        var model: [UInt64: UInt64] = [:]
        var known: [UInt64] = []
        for round in 0..<200_000 {
            var key = UInt64.random(in: 1...largest, using: &generator)
            // A wide range meets a known key by choice only.
            if largest == .max, !known.isEmpty, !generator.isOne(in: 4) {
                key = known[Int.random(in: 0..<known.count, using: &generator)]
            }
            switch Int.random(in: 0..<8, using: &generator) {
            case 0, 1, 2:
                let value = generator.next()
                table[key] = value
                model[key] = value
                if known.count < 4096 { known.append(key) }
            case 3, 4:
                table[key] = nil
                model[key] = nil
            case 5:
                let before = table.update(key) { value in
                    defer { value &+= 1 }
                    return value
                }
                #expect(before == model[key], "round \(round)")
                if let value = model[key] { model[key] = value &+ 1 }
            default:
                #expect(table[key] == model[key], "round \(round)")
            }
            #expect(table.count == model.count, "round \(round)")
            guard table.count == model.count else { return }
        }
        var listed: [UInt64: UInt64] = [:]
        table.forEach { key, value in listed[key] = value }
        #expect(listed == model)
    }
}
