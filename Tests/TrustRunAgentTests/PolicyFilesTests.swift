// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import TrustRunPolicy

@testable import TrustRunAgent

/// A folder of files, gone with this.
private final class TestFolder {
    let path = FileManager.default.temporaryDirectory.appending(path: "trustrun-policy-\(UUID().uuidString)")

    func add(_ name: String, _ text: String) throws -> String {
        let file = path.appending(path: name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file.path
    }

    deinit { try? FileManager.default.removeItem(at: path) }
}

@Suite struct PolicyFilesTests {
    private let folder = TestFolder()

    @Test func readsFilesFromTheFolderOfWhoeverNamesThem() throws {
        let more = try folder.add("sub/more.yaml", "rules: [{ match: b.example, action: allow }]\n")
        let root = try folder.add(
            "root.yaml", "inherit: [./sub/more.yaml]\nrules: [{ match: a.example, action: allow }]\n")
        let policy = try PolicyFiles.load([root])
        #expect(policy.documents.map(\.label) == [root, more])
        #expect(policy.rules.count == 2)
    }

    @Test func tellsWhyAFileCannotBeRead() {
        func problem(_ path: String) -> AgentError? {
            do {
                _ = try PolicyFiles.load([path])
                return nil
            } catch {
                return AgentError(error)
            }
        }
        #expect(problem("/no/such/file")?.message == "/no/such/file: cannot be read: No such file or directory")
        #expect(problem("/no/such/file")?.code == .noInput)
        #expect(problem("/usr")?.message == "/usr: cannot be read: Is a directory")
        // Longer than anybody would wait for.
        #expect(problem("/dev/zero")?.message.contains("expected at most 1048576") == true)
        #expect(problem("/dev/null")?.code == .badData)
    }

    @Test func aPolicyThatIsTooLargeIsWrong() throws {
        let count = CompiledPolicy.maximumNameGlobs + 1
        let rules = (0..<count).map { index in "  - { match: \"a*.x\(index).example\", action: allow }\n" }.joined()
        let check = PolicyCheck(try folder.add("large.yaml", "rules:\n" + rules))
        #expect(check.policy == nil)
        #expect(check.error?.line == count + 1)
        #expect(check.error?.column == 5)
        #expect(check.error?.message.contains("\(CompiledPolicy.maximumNameGlobs)") == true)
    }
}
