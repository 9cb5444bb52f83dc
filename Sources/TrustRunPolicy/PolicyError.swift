// SPDX-License-Identifier: Apache-2.0

/// Why a policy does not load. Nothing of it does then.
package struct PolicyError: Error, Equatable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// A document says something wrong (sysexits EX_DATAERR).
        case invalid
        /// A document cannot be read (EX_NOINPUT).
        case unreadable
    }

    package var kind: Kind
    /// The document as it was named, or what named it on the command line.
    package var label: String
    /// Counted from 1, columns in Unicode scalars; nil: it concerns the document as a whole.
    package var line: Int?
    package var column: Int?
    /// What is wrong and what was expected, fit for a terminal.
    package var message: String

    package init(_ kind: Kind = .invalid, label: String, line: Int? = nil, column: Int? = nil, message: String) {
        self.kind = kind
        self.label = label
        self.line = line
        self.column = column
        self.message = PrintableText.of(message, maximum: 1000)
    }

    /// `file:line:column: what; expected ...`
    package var description: String {
        let label = PrintableText.of(label)
        guard let line, let column else { return "\(label): \(message)" }
        return "\(label):\(line):\(column): \(message)"
    }
}

/// Why the bytes of a file are not there, in words that end a sentence: `No such file or directory`.
package struct PolicyReadFailure: Error {
    package var reason: String

    package init(reason: String) {
        self.reason = reason
    }
}
