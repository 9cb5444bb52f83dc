// SPDX-License-Identifier: Apache-2.0
import TrustRunPolicy

/// Policy documents by path, as a folder would hold them.
struct Documents {
    var files: [String: String]
    var presets: PresetCatalog = .shipped

    init(_ files: [String: String], presets: [String: String]? = nil) {
        self.files = files
        if let presets { self.presets = PresetCatalog(documents: presets.mapValues { text in Array(text.utf8) }) }
    }

    func load(_ references: String...) throws -> Policy {
        try PolicyLoader.load(references, presets: presets) { path throws(PolicyReadFailure) in
            guard let text = files[path] else { throw PolicyReadFailure(reason: "No such file or directory") }
            return Array(text.utf8)
        }
    }

    /// The error's text; nil if the policy loads.
    func problem(_ references: String...) -> String? {
        do {
            _ = try PolicyLoader.load(references, presets: presets) { path throws(PolicyReadFailure) in
                guard let text = files[path] else { throw PolicyReadFailure(reason: "No such file or directory") }
                return Array(text.utf8)
            }
            return nil
        } catch {
            return "\(error)"
        }
    }
}
