// SPDX-License-Identifier: Apache-2.0
internal import Yams

/// What a machine holds to which policy, as a file says it that outlives command lines: `policy`, a reference or a list of them, taken from the
/// file's folder; `scopes`, control groups, or `host: true`; `fail_open`, `allow_degraded`, `prove_every`.
package struct EnforcementConfiguration: Sendable, Equatable {
    /// As for `PolicyLoader.load`.
    package private(set) var policies: [String] = []
    /// From the root of the hierarchy.
    package private(set) var scopes: [String] = []
    package private(set) var coversHost = false
    package private(set) var failsOpen = false
    package private(set) var allowsDegraded = false
    /// nil: as often as otherwise.
    package private(set) var proofSeconds: UInt32?

    private static let keys = ["policy", "scopes", "host", "fail_open", "allow_degraded", "prove_every"]

    /// Reads such a file as strictly as a policy.
    package init(path: String, bytes: [UInt8]) throws(PolicyError) {
        let decoder = try DocumentDecoder.ofFile(path)
        let yaml = decoder.yaml
        let root = try yaml.root(of: bytes)
        let members = try decoder.members(of: root, "a configuration", keys: Self.keys)
        guard let policy = members["policy"] else {
            throw yaml.error(
                root.mark, "a configuration without `policy`; expected a file, preset:NAME, or a list of them")
        }
        for element in try decoder.elements(policy, "files and presets") {
            policies.append(try decoder.reference(element))
        }
        if let node = members["scopes"] {
            for element in try decoder.elements(node, "control groups") {
                scopes.append(try decoder.text(element, "a control group such as /system.slice/model.service"))
            }
        }
        if let node = members["host"] { coversHost = try decoder.flag(node, "host") }
        if let node = members["fail_open"] { failsOpen = try decoder.flag(node, "fail_open") }
        if let node = members["allow_degraded"] { allowsDegraded = try decoder.flag(node, "allow_degraded") }
        if let node = members["prove_every"] { proofSeconds = max(try decoder.seconds(node), 1) }
        guard scopes.isEmpty == coversHost else {
            throw yaml.error(
                root.mark,
                coversHost
                    ? "`host: true` is the whole machine; expected no `scopes` beside it"
                    : "a configuration without `scopes`; expected control groups, or `host: true` for the whole machine"
            )
        }
    }
}

extension DocumentDecoder {
    fileprivate enum Flag: String, CaseIterable {
        case yes = "true"
        case no = "false"
    }

    fileprivate func flag(_ node: Node, _ key: String) throws(PolicyError) -> Bool {
        let flag: Flag = try word(node, key)
        return flag == .yes
    }
}
