// SPDX-License-Identifier: Apache-2.0

/// What the documents of one policy are called, each differently.
struct PolicyLabels {
    /// Paths, and presets with their parameters if there are several of one name.
    let long: [String]
    /// The same with the last part of a path alone where that is enough.
    let short: [String]

    init(_ references: [PolicyReference]) {
        long = Self.unique(
            references.map { reference in [reference.label, reference.preset?.text ?? reference.label] })
        short = Self.unique(
            references.map { reference in
                switch reference {
                case .file(let path): [path.split(separator: "/").last.map(String.init) ?? path, path]
                case .preset(let preset): [reference.label, preset.text]
                }
            })
    }

    /// For each the first of its forms if no other's first form is the same, else its second.
    private static func unique(_ forms: [[String]]) -> [String] {
        var counts: [String: Int] = [:]
        for form in forms { counts[form[0], default: 0] += 1 }
        let labels = forms.map { form in counts[form[0]] == 1 ? form[0] : form[1] }
        // A file in the working directory may have the last part of another's path, or a preset's name.
        var seen: Set<String> = []
        return labels.map { label in
            var unique = label
            while !seen.insert(unique).inserted { unique = "./" + unique }
            return unique
        }
    }
}

extension PolicyReference {
    var preset: PresetReference? {
        guard case .preset(let preset) = self else { return nil }
        return preset
    }

    /// The name of a document that states none: the file's without what follows its last dot, or the preset's; as good as a stated one.
    var defaultName: String {
        guard case .file(let path) = self else { return preset?.name ?? "" }
        let file = path.split(separator: "/").last ?? ""
        let dot = file.lastIndex(of: ".") ?? file.endIndex
        var name = ""
        for scalar in PrintableText.of(String(dot > file.startIndex ? file[..<dot] : file)).unicodeScalars {
            guard name.utf8.count + UTF8.width(scalar) <= DocumentDecoder.maximumNameByteCount else { break }
            name.unicodeScalars.append(scalar)
        }
        return name
    }
}
