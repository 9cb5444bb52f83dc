// SPDX-License-Identifier: Apache-2.0
internal import TrustRunEvents

/// The resolvers that `preset:doh` blocks by name or address, so that there is one list of them.
struct PublicResolvers {
    /// A name for each pattern, which it fits.
    let names: [String]
    /// The pattern as written for each of these names.
    let texts: [String: String]
    let addresses: [IPAddress]

    static let shipped = PublicResolvers(preset: "doh", of: .shipped)

    /// Empty if the catalog has no such preset.
    init(preset: String, of catalog: PresetCatalog) {
        let policy = try? PolicyLoader.load(["preset:\(preset)"], presets: catalog) { _ throws(PolicyReadFailure) in
            throw PolicyReadFailure(reason: "a preset reads no files")
        }
        let rules = (policy?.rules ?? []).filter { rule in !rule.isPermitting }
        let patterns = rules.flatMap(\.names).map(\.text)
        names = patterns.map { text in text.replacing("*", with: "resolver") }
        texts = Dictionary(zip(names, patterns)) { first, _ in first }
        addresses = rules.flatMap(\.networks).map(\.address)
    }
}
