// SPDX-License-Identifier: Apache-2.0

internal import TrustRunPolicy

/// Loads arbitrary bytes as expectations, as a configuration, and as a policy that may inherit itself and two presets; what loads is printed and must load again
/// with as many rules, and is linted and held to the expectations.
@_cdecl("LLVMFuzzerTestOneInput")
package func fuzzPolicy(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    hold(bytes)
    if let read = try? EnforcementConfiguration(path: "c.yaml", bytes: bytes) {
        precondition(read.coversHost == read.scopes.isEmpty && !read.policies.isEmpty)
    }
    guard let policy = load(bytes, presets: presets) else { return 0 }
    let text = PolicyDescription(policy).text
    guard let again = load(Array(text.utf8), presets: presets) else {
        fatalError("printed, but does not load:\n\(text)")
    }
    let findings = PolicyLint.findings(in: policy)
    precondition(findings.allSatisfy { finding in !finding.text(in: policy).isEmpty })
    precondition(again.rules.map(\.patterns) == policy.rules.map(\.patterns))
    precondition(again.rules.map(\.reason) == policy.rules.map(\.reason))
    precondition(again.name == policy.name && again.description == policy.description)
    // The same bytes as a preset, whose placeholders get values.
    _ = load(
        Array("inherit: [\"preset:fuzzed(a=x|y,b=z)\"]".utf8), presets: PresetCatalog(documents: ["fuzzed": bytes]))
    return 0
}

/// Asks a policy whatever the bytes expect.
private func hold(_ bytes: [UInt8]) {
    do {
        let test = try PolicyTest(path: "t.yaml", bytes: bytes)
        guard let policy = load(Array("rules: [{ match: \"*.b\", action: allow }]".utf8), presets: presets) else {
            return
        }
        for outcome in test.run(on: try CompiledPolicy(policy)) {
            precondition(outcome.difference(in: policy, label: test.label).count == 4)
        }
    } catch let error as PolicyError {
        precondition(!error.message.isEmpty)
    } catch {
        fatalError("\(error)")
    }
}

private let presets = PresetCatalog(documents: [
    "a": Array("rules: [{ match: any, action: alert }]".utf8),
    "b": Array(
        """
        parameters: { x: { description: d, required: true, kind: name, example: a.b } }
        rules: [{ match: "*.{x}", action: block, reason: "{x}" }]
        """.utf8),
])

/// nil if they do not; then there is a message, and a place unless a file is not there.
private func load(_ bytes: [UInt8], presets: PresetCatalog) -> Policy? {
    do {
        return try PolicyLoader.load(["p.yaml"], presets: presets) { path throws(PolicyReadFailure) in
            guard path == "p.yaml" else { throw PolicyReadFailure(reason: "No such file") }
            return bytes
        }
    } catch {
        precondition(!error.message.isEmpty)
        precondition(error.line ?? 0 > 0 && error.column ?? 0 > 0)
        return nil
    }
}
