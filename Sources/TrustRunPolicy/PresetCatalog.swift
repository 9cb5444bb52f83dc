// SPDX-License-Identifier: Apache-2.0
internal import CTrustRunAssets

/// The presets that can be inherited, as documents by name.
package struct PresetCatalog: Sendable {
    /// Those that this binary carries, from Presets/NAME.yaml.
    package static let shipped = PresetCatalog(documents: embedded())

    package let documents: [String: [UInt8]]

    package init(documents: [String: [UInt8]]) {
        self.documents = documents
    }

    /// In alphabetical order.
    package var names: [String] { documents.keys.sorted() }

    private static func embedded() -> [String: [UInt8]] {
        var documents: [String: [UInt8]] = [:]
        var index = 0
        while let asset = unsafe tr_preset(index) {
            let bytes = unsafe UnsafeBufferPointer(start: asset.pointee.bytes, count: asset.pointee.size)
            unsafe documents[String(cString: asset.pointee.name)] = Array(bytes)
            index += 1
        }
        return documents
    }
}
