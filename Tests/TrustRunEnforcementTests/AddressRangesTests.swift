// SPDX-License-Identifier: Apache-2.0
import CTrustRunEnforcement
import Testing
import TrustRunTestSupport

@testable import TrustRunEnforcement

/// Ranges say of every address what the longest prefix around it says.
@Suite struct AddressRangesTests {
    @Test func nothingIsOneRange() {
        let table = AddressRanges().table
        #expect(table.count == Int(TR_IPV4_CELLS) + 1)
        #expect(table.last?.first == 0 && table.last?.list == 0)
        #expect(table.prefix(Int(TR_IPV4_CELLS)).allSatisfy { $0.first == UInt32(TR_IPV4_CELLS) && $0.list == 0 })
    }

    @Test func theWholeSpaceAndBothEnds() {
        var ranges = AddressRanges()
        ranges.add(0, length: 0, list: 1)
        ranges.add(0, length: 32, list: 2)
        ranges.add(.max, length: 32, list: 3)
        let table = ranges.table
        #expect(list(0, table) == 2 && list(1, table) == 1)
        #expect(list(.max - 1, table) == 1 && list(.max, table) == 3)
        #expect(table.count == Int(TR_IPV4_CELLS) + 3)
    }

    @Test func aCellThatIsFull() {
        var ranges = AddressRanges()
        let cell = UInt32(0x0a30_0000)
        for number in stride(from: UInt32(0), to: 1 << UInt32(TR_IPV4_CELL_SHIFT), by: 2) {
            ranges.add(cell + number, length: 32, list: number + 1)
        }
        let table = ranges.table
        for number in [UInt32(0), 1, 2, 3, 0x7fffe, 0x7ffff, 0xffffc, 0xffffd, 0xffffe, 0xfffff] {
            #expect(list(cell + number, table) == (number % 2 == 0 ? number + 1 : 0))
        }
        #expect(list(cell - 1, table) == 0 && list(cell + 0x10_0000, table) == 0)
    }

    @Test(arguments: [1, 2, 3, 4, 5]) func asTheLongestPrefix(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<40 {
            var prefixes: [(first: UInt32, length: Int, list: UInt32)] = []
            var ranges = AddressRanges()
            for _ in 0..<Int.random(in: 1...60, using: &random) {
                let length = Int.random(in: 0...32, using: &random)
                let mask = UInt32(truncatingIfNeeded: UInt64(UInt32.max) << UInt64(32 - length))
                let first = anAddress(&random) & mask
                guard !prefixes.contains(where: { $0.first == first && $0.length == length }) else { continue }
                let list = UInt32.random(in: 0...5, using: &random)
                prefixes.append((first, length, list))
                ranges.add(first, length: length, list: list)
            }
            let table = ranges.table
            for _ in 0..<200 {
                let number = anAddress(&random)
                let around = prefixes.filter { ($0.first ^ number) >> UInt32(32 - $0.length) == 0 }
                #expect(list(number, table) == (around.max { $0.length < $1.length }?.list ?? 0))
            }
        }
    }

    /// Few different ones, so that prefixes lie within others and begin and end at the same places; some at the ends of the space.
    private func anAddress(_ random: inout SeededGenerator) -> UInt32 {
        let ends: [UInt32] = [0, .max, 0x0a00_0000, 0x0a0f_ffff, 0x0a10_0000]
        let near = UInt32.random(in: 0...3, using: &random) &- 1
        if random.isOne(in: 3) { return ends[Int.random(in: 0..<ends.count, using: &random)] &+ near }
        return 0x0a00_0000 | UInt32.random(in: 0...63, using: &random) << UInt32.random(in: 0...18, using: &random)
    }

    /// As BPF/Include/tr_judge.h looks it up.
    private func list(_ number: UInt32, _ table: [tr_ipv4_range]) -> UInt32 {
        let cell = table[Int(number >> UInt32(TR_IPV4_CELL_SHIFT))]
        let ranges = table[Int(cell.first)...(Int(cell.first) + Int(cell.list))]
        return ranges.last { $0.first <= number }?.list ?? .max
    }
}
