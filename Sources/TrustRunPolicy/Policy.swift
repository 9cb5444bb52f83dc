// SPDX-License-Identifier: Apache-2.0

/// A policy as its documents say it together: every rule with where it comes from, the root document's own before inherited ones.
package struct Policy: Sendable {
    /// The root document's `name`.
    package var name: String
    package var description: String?
    /// In the order that decides ties: the root document's own, then those of each inherited document, depth first, each document once.
    package var rules: [Rule]
    package var settings: PolicySettings
    /// Every document that took part, in the order of its rules; `Origin.document` is an index.
    package var documents: [Document]

    /// A file or preset that took part.
    package struct Document: Sendable, Hashable {
        /// The file's path, taken from the working directory and normalised, or `preset:NAME`, with parameters if the policy has several of that
        /// name.
        package var label: String
        package var name: String
        package var description: String?
        /// The preset with its parameters; nil for a file.
        package var preset: PresetReference?

        package init(label: String, name: String, description: String?, preset: PresetReference? = nil) {
            self.label = label
            self.name = name
            self.description = description
            self.preset = preset
        }
    }

    package init(
        name: String, description: String?, rules: [Rule], settings: PolicySettings, documents: [Document]
    ) {
        self.name = name
        self.description = description
        self.rules = rules
        self.settings = settings
        self.documents = documents
    }
}

/// Where something stands: a document, and a line and column of it, both counted from 1.
package struct Origin: Sendable, Hashable {
    /// Index into `Policy.documents`.
    package var document: Int
    package var line: Int
    package var column: Int

    package init(document: Int, line: Int, column: Int) {
        self.document = document
        self.line = line
        self.column = column
    }
}
