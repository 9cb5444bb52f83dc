// SPDX-License-Identifier: Apache-2.0
import CTrustRunEnforcement
import Testing
import TrustRunEvents
import TrustRunPolicy
import TrustRunTestSupport

@testable import TrustRunEnforcement

/// Names lie in the tables from right to left, so that the longest prefix is the best name rule.
@Suite struct KernelNamesTests {
    @Test func structsAreAsTheKernelHasThem() {
        #expect(MemoryLayout<tr_name_key>.size == 260 && MemoryLayout<tr_name_entry>.offset(of: \.list) == 260)
        #expect(MemoryLayout<tr_glob>.size == 258)
        #expect(CompiledPolicy.maximumNameGlobs == Int(TR_MAX_GLOBS))
    }

    @Test func aWholeNameEndsWithAZeroAndAnEndOfNamesWithADot() throws {
        let tables = try tables("rules: [{match: [a.example, '*.b.example'], action: allow}]")
        let keys = Set(tables.names.map(text))
        #expect(keys == ["elpmaxe.a\0", "elpmaxe.b.", ""])
        for entry in tables.names { #expect(Int(entry.key.length) == text(entry).utf8.count * 8) }
    }

    @Test func theLongestNameHasRoom() throws {
        let label = String(repeating: "x", count: 63)
        let name = "\(label).\(label).\(label).\(String(repeating: "y", count: 61))"
        let tables = try tables("rules: [{match: \(name), action: allow}]")
        #expect(name.utf8.count == 253 && tables.names.contains { $0.key.length == 254 * 8 })
    }

    @Test func globsAreReversedAndTheFirstStarTakesTheRest() throws {
        let tables = try tables("rules: [{match: ['a*c.example', '*.x-*.example', '*-y.example'], action: block}]")
        let texts = tables.globs.map { glob in
            withUnsafeBytes(of: glob.text) { Array($0.prefix(Int(glob.length))) }
        }
        #expect(
            texts == ["elpmaxe.c*a", "elpmaxe.*-x.\u{1}", "elpmaxe.y-*"].map { Array($0.utf8) })
        #expect(tables.policy.glob_count == 3)
    }

    @Test func settingsAreThoseOfThePolicy() throws {
        let strict = try tables("binding_grace: 2h\nrules: []\ndefaults: {action: block}").policy
        #expect(strict.is_dns_strict == 1 && strict.is_permitting == 0 && strict.grace == 7_200_000_000_000)
        let open = try tables("dns: open\nrules: []\ndefaults: {action: alert}", namespaces: [7, 9]).policy
        #expect(open.is_dns_strict == 0 && open.is_permitting == 1 && open.namespace_count == 2)
        #expect(open.namespaces.0 == 7 && open.namespaces.1 == 9)
    }

    @Test func pathsOfUnixSocketsEndWithTheirZeroAndFoldersWithTheirSlash() throws {
        #expect(try tables("rules: []").policy.lists_unix_sockets == 0)
        let none = try tables("unix_sockets: []")
        #expect(none.policy.lists_unix_sockets == 1 && none.unixPaths.isEmpty)
        let longest = "/" + String(repeating: "n", count: 106)
        let keys = try tables("unix_sockets: [/run/a, /run/b/, \(longest), /var/run/a, /var/run/c]").unixPaths
        let texts = keys.map { key in
            withUnsafeBytes(of: key.path) { bytes in Array(bytes.prefix(Int(key.length / 8) - 4)) }
        }
        #expect(texts == ["/run/a\0", "/run/b/", longest + "\0", "/run/c\0"].map { text in Array(text.utf8) })
        #expect(keys.allSatisfy { key in withUnsafeBytes(of: key.path) { bytes in bytes.last == 0 } })
    }

    private func tables(_ text: String, namespaces: [UInt32] = []) throws -> KernelTables {
        let policy = try PolicyLoader.load(["p.yaml"]) { (_: String) throws(PolicyReadFailure) in Array(text.utf8) }
        let compiled = try CompiledPolicy(policy)
        var random = SeededGenerator(seed: 1)
        return KernelTables(
            compiled, resolvers: [], namespaces: ResolverNamespaces(inodes: namespaces),
            probe: ProbeRange(avoiding: compiled, using: &random))
    }

    private func text(_ entry: tr_name_entry) -> String {
        withUnsafeBytes(of: entry.key.text) { bytes in
            String(decoding: bytes.prefix(Int(entry.key.length) / 8), as: UTF8.self)
        }
    }
}
