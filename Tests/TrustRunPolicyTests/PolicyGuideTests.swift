// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import TrustRunPolicy

/// The examples of docs/policy.md: each block of YAML that begins with `# FILE`.
@Suite struct PolicyGuideTests {
    private let files: [String: String]

    init() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: folder.appending(path: "docs/policy.md"), encoding: .utf8)
        var files: [String: String] = [:]
        for block in text.components(separatedBy: "```yaml\n# ").dropFirst() {
            let lines = block.split(separator: "\n", omittingEmptySubsequences: false)
            let end = try #require(lines.firstIndex(of: "```"))
            files[String(lines[0])] = lines[1..<end].joined(separator: "\n") + "\n"
        }
        self.files = files
    }

    @Test func everyExampleLoads() throws {
        #expect(
            files.keys.sorted() == [
                "Presets/vendor.yaml", "clinic.test.yaml", "clinic.yaml", "content.yaml", "site.yaml",
            ])
        let documents = Documents(files)
        #expect(try documents.load("clinic.yaml").documents.count == 4)
        #expect(try documents.load("site.yaml").rules.count == 2)
        #expect(try documents.load("content.yaml").settings.content.count == 1)
    }

    @Test func theExpectationsHold() throws {
        let text = try #require(files["clinic.test.yaml"])
        let test = try PolicyTest(path: "clinic.test.yaml", bytes: Array(text.utf8))
        #expect(test.policies == ["clinic.yaml"])
        let policy = try CompiledPolicy(Documents(files).load("clinic.yaml"))
        let outcomes = test.run(on: policy)
        #expect(outcomes.count == 12)
        for outcome in outcomes {
            #expect(
                outcome.holds, "\(outcome.expectation.destination): \(outcome.decision.action) by \(outcome.decider)")
        }
    }

    @Test func thePresetLoads() throws {
        let text = try #require(files["Presets/vendor.yaml"])
        let documents = Documents([:], presets: ["vendor": text])
        let preset = try documents.presets.description(of: "vendor")
        #expect(try documents.load(preset.example).rules.count == 2)
        #expect(try documents.load(preset.shortestExample).rules.count == 1)
    }

    @Test func theErrorIsWhatTheLoaderSays() throws {
        let text = try #require(files["clinic.yaml"]).replacing(
            "action: kill", with: "action: deny", maxReplacements: 1)
        // The block's first line, which names the file, is not in the text.
        let problem = try #require(
            Documents(["clinic.yaml": "#\n" + text, "site.yaml": "name: s\n"]).problem("clinic.yaml"))
        #expect(problem == "clinic.yaml:10:13: unknown action `deny`; expected one of allow, alert, block, kill")
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        #expect(
            try String(contentsOf: folder.appending(path: "docs/policy.md"), encoding: .utf8).contains("\n\(problem)\n")
        )
    }
}
