// SPDX-License-Identifier: Apache-2.0

/// Texts of others, as a terminal, a comment or a message may hold them.
enum PrintableText {
    /// The text with `\u` escapes for what moves a cursor, turns a line around or is not seen; shortened with `…` behind `maximum` scalars.
    static func of(_ text: String, maximum: Int = .max) -> String {
        var result = ""
        for (index, scalar) in text.unicodeScalars.enumerated() {
            guard index < maximum else { return result + "…" }
            result += isPlain(scalar) ? String(scalar) : escape(scalar)
        }
        return result
    }

    /// A double-quoted scalar of YAML.
    static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            default: quoted += isPlain(scalar) ? String(scalar) : escape(scalar)
            }
        }
        return quoted + "\""
    }

    private static func isPlain(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return (0x20...0x7e).contains(scalar.value) }
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: return false
        default: return true
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        let length = digits.utf8.count <= 4 ? 4 : 8
        return (length == 4 ? "\\u" : "\\U") + String(repeating: "0", count: length - digits.utf8.count) + digits
    }
}
