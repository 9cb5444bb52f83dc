// SPDX-License-Identifier: Apache-2.0
import CTrustRunEnforcement
import Testing
import TrustRunPolicy
import TrustRunTestSupport

@testable import TrustRunEnforcement

/// The machine, run as the kernel runs it, says of each path what the globs say.
@Suite struct PathGlobStatesTests {
    @Test func structsAreAsTheKernelHasThem() {
        #expect(MemoryLayout<tr_process_key>.size == 16 && MemoryLayout<tr_image_key>.size == 24)
        #expect(MemoryLayout<tr_states>.size == TR_STATE_WORDS * 8)
        #expect(MemoryLayout<tr_states_head>.size <= MemoryLayout<tr_states>.size)
        #expect(CompiledPolicy.maximumProcessGlobs == TR_MAX_PROCESS_GLOBS)
        #expect(PathGlobStates([]).words.isEmpty)
    }

    @Test(arguments: [
        ("/bin/sh", ["/bin/sh"], ["/bin/s", "/bin/shh", "/bin/sH", "bin/sh", ""]),
        ("*", ["/", "/a/b"], [""]), ("**", ["/", "/a"], [""]), ("/?*", ["/a", "/ab"], ["/"]),
        ("*/c*r?", ["/curl", "/x/carb", "/cc/a/rr"], ["/cur", "/curll", "/curlll"]),
        ("/a*b*c", ["/abc", "/a/b/c", "/abcbc"], ["/acb", "/abcb", "/ab"]), ("/a*", ["/a", "/a/b"], ["/", "/ba"]),
    ])
    func matchesAsTheGlobDoes(_ glob: String, _ matching: [String], _ others: [String]) {
        let machine = Machine([PathGlob("/other"), PathGlob(glob), PathGlob("*")])
        for path in matching { #expect(machine.matched(by: Array(path.utf8)).contains(1), "\(path)") }
        for path in others { #expect(!machine.matched(by: Array(path.utf8)).contains(1), "\(path)") }
    }

    @Test(arguments: [1, 2, 3, 4]) func agreesWithTheGlobs(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for count in [1, 2, 7, 60, 256] {
            let globs = (0..<count).map { _ in PathGlob(text("ab?*/", upTo: 60, &random)) }
            let machine = Machine(globs)
            for _ in 0..<40 {
                let path = Array(text("ab/\u{e9}", upTo: 100, &random).utf8)
                let expected = globs.indices.filter { globs[$0].matches(path.span) }
                #expect(machine.matched(by: path) == expected)
            }
        }
    }

    @Test func asManyStatesAsThereCanBe() {
        let globs = (0..<256).map {
            PathGlob("/" + String(repeating: "x", count: 61 - ($0 > 9 ? 1 : 0)) + "\($0 % 10)*")
        }
        #expect(globs.reduce(0) { $0 + PathGlobStates.stateCount(of: $1) } <= PathGlobStates.maximumStates)
        let path = Array(("/" + String(repeating: "x", count: 61) + "3").utf8)
        #expect(Machine(globs).matched(by: path) == [3])
    }

    private func text(_ alphabet: String, upTo count: Int, _ random: inout SeededGenerator) -> String {
        "/"
            + String(
                (0..<Int.random(in: 0...count, using: &random)).compactMap { _ in alphabet.randomElement(using: &random)
                })
    }
}

/// Reads the states as BPF/executables.bpf.c does.
private struct Machine {
    let words: [UInt64]
    let head: tr_states_head

    init(_ globs: [PathGlob]) {
        words = PathGlobStates(globs).words
        head = words.withUnsafeBytes { bytes in
            bytes.loadUnaligned(
                fromByteOffset: Int(TR_STATES_HEAD) * MemoryLayout<tr_states>.size, as: tr_states_head.self)
        }
    }

    func matched(by path: [UInt8]) -> [Int] {
        guard !path.isEmpty else { return [] }
        let (width, used) = (Int(TR_STATE_WORDS), Int(head.words))
        var states = Array(words[(Int(TR_STATES_START) * width)...].prefix(used))
        for byte in path {
            var carry: UInt64 = 0
            for index in 0..<used {
                let state = states[index]
                let (next, stay) = (words[Int(byte) * width + index], words[Int(TR_STATES_STAY) * width + index])
                states[index] = ((state << 1 | carry) & next) | (state & stay)
                carry = state >> 63
            }
        }
        return withUnsafeBytes(of: head.accept) { accept in
            (0..<Int(head.glob_count)).filter { glob in
                let state = Int(accept.load(fromByteOffset: glob * 2, as: UInt16.self))
                return states[state / 64] >> UInt64(state % 64) & 1 != 0
            }
        }
    }
}
