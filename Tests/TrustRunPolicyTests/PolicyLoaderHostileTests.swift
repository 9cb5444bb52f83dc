// SPDX-License-Identifier: Apache-2.0
import Testing
import TrustRunPolicy
import TrustRunTestSupport

/// Whatever the bytes are, they load or are refused with a place.
@Suite struct PolicyLoaderHostileTests {
    private static let valid =
        BasicPolicyTests.full + """

            content:
              - when: { finding: [pii, phi], destination: not-allowed }
                action: kill
            capture_level: full
            """

    /// Whether they load.
    private func loads(_ bytes: [UInt8], presets: PresetCatalog = .shipped, _ reference: String = "a.yaml") -> Bool {
        do {
            let policy = try PolicyLoader.load([reference], presets: presets) { path throws(PolicyReadFailure) in
                guard path == reference else { throw PolicyReadFailure(reason: "No such file") }
                return bytes
            }
            #expect(policy.rules.allSatisfy { rule in !rule.patterns.isEmpty && rule.origin.line > 0 })
            return true
        } catch {
            #expect(error.label == reference || error.label.hasPrefix("preset:"))
            #expect((error.line ?? 0) > 0 && (error.column ?? 0) > 0, "\(error)")
            #expect(!error.message.isEmpty)
            return false
        }
    }

    @Test func takesEveryTruncation() {
        let bytes = Array(BasicPolicyTests.full.utf8)
        let loaded = bytes.indices.filter { count in loads(Array(bytes[..<count])) }
        #expect(loaded.count > 10)
        #expect(loaded.count < bytes.count / 2)
        #expect(loads(bytes))
    }

    @Test func takesMutations() {
        var random = SeededGenerator(seed: 21)
        var loaded = 0
        for index in 0..<4000 {
            let bytes = Array((index.isMultiple(of: 2) ? RandomPolicy.text(&random) : Self.valid).utf8)
            if loads(random.mutated(bytes)) { loaded += 1 }
        }
        #expect(loaded > 100)
        #expect(loaded < 3000)
    }

    /// The signs of YAML in any order, which get further than bytes do.
    @Test func takesAnySigns() {
        var random = SeededGenerator(seed: 22)
        let signs = Array("-:?,[]{}#&*!|>'\"%@` \n\t\0ab1\u{e9}~<=".utf8) + [0x85, 0xff]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...40, using: &random)
            _ = loads((0..<count).map { _ in signs.randomElement(using: &random) ?? 0 })
        }
        for _ in 0..<2000 { _ = loads(random.bytes(maximumCount: 200)) }
    }

    @Test func takesMutatedPresets() throws {
        var random = SeededGenerator(seed: 23)
        let preset = """
            parameters: { a: { description: d, required: true, kind: name, example: e.f }, b: { description: d, required: false, example: e } }
            rules:
              - { match: "x{a}", action: allow, reason: "{a}{b}", needs: [b] }
            """
        var loaded = 0
        for _ in 0..<3000 {
            let catalog = PresetCatalog(documents: ["p": random.mutated(Array(preset.utf8))])
            do {
                _ = try PolicyLoader.load(["preset:p(a=c.d,b=e)"], presets: catalog) { path throws(PolicyReadFailure) in
                    throw PolicyReadFailure(reason: path)
                }
                loaded += 1
            } catch {
                #expect(error.label == "preset:p")
            }
        }
        #expect(loaded > 10)
    }

    @Test func takesAnyReference() {
        var random = SeededGenerator(seed: 24)
        let signs = Array("preset:loopback(a=b,)|/. \0é*".unicodeScalars)
        for _ in 0..<20_000 {
            var text = random.isOne(in: 2) ? "preset:loopback(" : ""
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                text.unicodeScalars.append(signs.randomElement(using: &random) ?? " ")
            }
            do {
                _ = try PolicyLoader.load([text]) { path throws(PolicyReadFailure) in
                    // A path that says the same twice is not normalised.
                    #expect(!path.contains("//") && !path.contains("/./") && !path.isEmpty && !path.contains("\0"))
                    return Array("name: a".utf8)
                }
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }
}
