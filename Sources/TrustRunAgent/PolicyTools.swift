// SPDX-License-Identifier: Apache-2.0
internal import TrustRunPolicy
internal import TrustRunSinks

/// What `policy check`, `policy show` and `policy presets` do.
package enum PolicyTools {
    /// Loads each of them as a policy of its own and says how it is. Those that do not load are returned as errors.
    package static func check(
        _ references: [String], asJSON: Bool
    ) throws(AgentError) -> (hasWarning: Bool, errors: [AgentError]) {
        let checks = references.map { reference in PolicyCheck(reference) }
        if asJSON {
            try StandardOutput.write { buffer in PolicyCheck.writeJSON(checks, to: &buffer) }
        } else {
            try StandardOutput.write(checks.map(\.text).joined())
        }
        return (checks.contains(where: \.hasWarning), checks.compactMap(\.error).map { error in AgentError(error) })
    }

    /// Prints what the policy says with all that it inherits.
    package static func show(_ references: [String], asJSON: Bool) throws(AgentError) {
        let policy = try PolicyFiles.loadOrFail(references)
        if asJSON {
            try StandardOutput.write { buffer in policy.writeJSON(to: &buffer) }
        } else {
            try StandardOutput.write(PolicyDescription(policy).text)
        }
    }

    /// Lists the presets.
    package static func presets(asJSON: Bool) throws(AgentError) {
        let presets = try shippedPresets()
        if asJSON {
            try StandardOutput.write { buffer in PresetList(presets: presets).writeJSON(to: &buffer) }
        } else {
            try StandardOutput.write(PresetList(presets: presets).text)
        }
    }

    private static func shippedPresets() throws(AgentError) -> [PresetDescription] {
        do {
            var presets: [PresetDescription] = []
            for name in PresetCatalog.shipped.names { presets.append(try PresetCatalog.shipped.description(of: name)) }
            return presets
        } catch {
            throw AgentError(.software, error.description)
        }
    }
}
