// SPDX-License-Identifier: Apache-2.0

import Testing
import TrustRunEvents
import TrustRunTestSupport
import TrustRunWire

@Suite struct ClientHelloAssemblerTests {
    private func outcome(_ result: ClientHelloAssembler.Result) -> HelloOutcome {
        switch result {
        case .parsed(let result): HelloOutcome(result)
        case .gap: .gap
        }
    }

    private func feed(_ bytes: [UInt8], piece: Int, overlap: Int = 0) -> HelloOutcome {
        var assembler = ClientHelloAssembler()
        var last = HelloOutcome.needMore(0)
        for start in stride(from: 0, to: bytes.count, by: piece) {
            let from = max(0, start - overlap)
            let part = Array(bytes[from..<min(start + piece, bytes.count)])
            last = outcome(assembler.append(part.rawSpan, at: from))
            if assembler.byteCount > ClientHelloAssembler.maximumByteCount { return .gap }
        }
        return last
    }

    @Test(arguments: [1, 3, 100, 1448, 20_000], [0, 1, 50]) func joinsPieces(piece: Int, overlap: Int) {
        for fragment in [1 << 14, 300] {
            let bytes = ClientHelloBuilder.usual("a.example", keyShareBytes: 1216).stream(fragment: fragment)
            #expect(feed(bytes, piece: piece, overlap: overlap) == .hello("a.example"))
        }
    }

    @Test func keepsTheFirstOfOverlappingBytes() {
        let bytes = ClientHelloBuilder.usual("a.example").stream()
        var assembler = ClientHelloAssembler()
        _ = assembler.append(Array(bytes.prefix(60)).rawSpan, at: 0)
        _ = assembler.append(Array(repeating: 0xff, count: 50).rawSpan, at: 5)
        let result = assembler.append(Array(repeating: 0xff, count: 60).rawSpan, at: 0)
        #expect(outcome(result) == .needMore(bytes.count))
        #expect(outcome(assembler.append(Array(bytes[60...]).rawSpan, at: 60)) == .hello("a.example"))
        #expect(assembler.isFinished)
        #expect(assembler.byteCount == 0)
        #expect(outcome(assembler.append([0].rawSpan, at: 0)) == .hello("a.example"))
    }

    @Test(arguments: [11, Int.max, -1]) func givesUpAtAGap(offset: Int) {
        let bytes = ClientHelloBuilder.usual("a.example").stream()
        var assembler = ClientHelloAssembler()
        _ = assembler.append(Array(bytes.prefix(10)).rawSpan, at: 0)
        #expect(outcome(assembler.append(Array(bytes[10...]).rawSpan, at: offset)) == .gap)
        #expect(outcome(assembler.append(Array(bytes[10...]).rawSpan, at: 10)) == .gap)
    }

    @Test func takesTheLongestHello() {
        let base = ClientHelloBuilder.usual("a.example", keyShareBytes: 0).body.count
        let longest = ClientHelloBuilder.usual("a.example", keyShareBytes: 17 * 1024 - base)
        #expect(feed(longest.stream(fragment: 273), piece: 1000) == .hello("a.example"))
        let longer = ClientHelloBuilder.usual("a.example", keyShareBytes: 17 * 1024 - base + 1)
        #expect(feed(longer.stream(), piece: 1000) == .malformed(.tooLong))
    }

    @Test(arguments: [UInt64(2), 0x7e57]) func agreesWithTheWholeForMutatedBytes(seed: UInt64) {
        print("TLS seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let hellos = [
            ClientHelloBuilder.usual("a.example").stream(), ClientHelloBuilder.usual("b.example").stream(fragment: 40),
            ClientHelloBuilder.usual(nil).stream(fragment: 7),
        ]
        for round in 0..<10_000 {
            let random = hex("16 0301") + generator.bytes(maximumCount: 200)
            let bytes = round.isMultiple(of: 4) ? random : generator.mutated(hellos[round % 3])
            let whole = HelloOutcome(bytes)
            guard !bytes.isEmpty else { continue }
            let parts = feed(bytes, piece: Int.random(in: 1...80, using: &generator))
            #expect(whole == parts, "seed \(seed), round \(round)")
        }
    }
}
