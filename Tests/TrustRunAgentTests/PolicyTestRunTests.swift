// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import TrustRunPolicy
import TrustRunSinks

@testable import TrustRunAgent

@Suite struct PolicyTestRunTests {
    /// Files in a folder of their own, which goes when the test ends.
    private final class Folder {
        let url = FileManager.default.temporaryDirectory.appending(path: "trustrun-policy-\(UUID().uuidString)")

        init(_ files: [String: String]) throws {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            for (name, text) in files { try Data(text.utf8).write(to: url.appending(path: name)) }
        }

        deinit { try? FileManager.default.removeItem(at: url) }

        func path(_ name: String) -> String { url.appending(path: name).path }
    }

    private static let files = [
        "p.yaml": "rules: [{ match: a.example, action: allow, reason: Mine }]\ndefaults: { action: block }",
        "good.yaml":
            "policy: p.yaml\nexpect: [{ destination: a.example, action: allow }, { destination: b.example, action: block }]",
        "bad.yaml": "policy: ./p.yaml\nexpect: [{ destination: \"a.example:443\", action: block, rule: default }]",
        "none.yaml": "expect: [{ destination: a.example, action: allow }]",
        "wrong.yaml": "expect: [{ destination: a.example, action: deny }]",
        "lost.yaml": "policy: nothing.yaml\nexpect: [{ destination: a.example, action: allow }]",
    ]

    @Test func saysHowManyExpectationsHold() throws {
        let folder = try Folder(Self.files)
        let run = PolicyTestRun(folder.path("good.yaml"), policies: [])
        #expect(run.holds)
        #expect(run.text == "\(folder.path("good.yaml")): ok: 2 expectations\n")
    }

    @Test func saysWhatIsNotAsExpected() throws {
        let folder = try Folder(Self.files)
        let (file, policy) = (folder.path("bad.yaml"), folder.path("p.yaml"))
        let run = PolicyTestRun(file, policies: [])
        #expect(!run.holds)
        #expect(
            run.text == """
                \(file):2:10: a.example:443 tcp
                  expected  block by default
                  got       allow by p.yaml#1 (\(policy):1: Mine)
                  because   of the rules that match the name and take part, this one is the most specific, or the first of such
                \(file): 1 of 1 expectation not as expected

                """)
    }

    @Test func testsAnotherPolicyInstead() throws {
        let folder = try Folder(Self.files)
        #expect(!PolicyTestRun(folder.path("good.yaml"), policies: ["preset:loopback"]).holds)
        #expect(PolicyTestRun(folder.path("none.yaml"), policies: [folder.path("p.yaml")]).holds)
    }

    @Test(arguments: [
        (
            "none.yaml", "none.yaml: names no policy; expected `policy:` in the file, or --policy",
            PolicyError.Kind.invalid
        ),
        ("wrong.yaml", "wrong.yaml:1:44: unknown action `deny`; expected one of allow, alert, block, kill", .invalid),
        ("lost.yaml", "lost.yaml: `policy`: nothing.yaml: cannot be read: No such file or directory", .unreadable),
        ("gone.yaml", "gone.yaml: cannot be read: No such file or directory", .unreadable),
    ])
    func saysWhyThereIsNothingToTest(_ file: String, _ problem: String, _ kind: PolicyError.Kind) throws {
        let folder = try Folder(Self.files)
        let run = PolicyTestRun(folder.path(file), policies: [])
        #expect(!run.holds)
        #expect(run.text.isEmpty)
        #expect(run.error?.description.replacing(folder.path("") + "/", with: "") == problem)
        #expect(run.error?.kind == kind)
    }

    @Test func writesOneObject() throws {
        let folder = try Folder(Self.files)
        let runs = ["good.yaml", "bad.yaml", "gone.yaml"].map { name in PolicyTestRun(folder.path(name), policies: []) }
        var buffer = OutputBuffer(capacity: 1 << 16)
        PolicyTestRun.writeJSON(runs, to: &buffer)
        let text = buffer.bytes.withUnsafeBytes { bytes in String(decoding: bytes, as: UTF8.self) }
        #expect(text.hasSuffix("}\n") && !text.dropLast().contains("\n"))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["schema"] as? String == "trustrun.policy-test.v1")
        #expect(object["ok"] as? Bool == false)
        let files = try #require(object["files"] as? [[String: Any]])
        #expect(files.map { file in file["ok"] as? Bool } == [true, false, false])
        #expect(files.map { file in file["failed"] as? Int } == [0, 1, nil])
        #expect(
            (files[2]["error"] as? [String: Any])?["message"] as? String == "cannot be read: No such file or directory")
        let failed = try #require((files[1]["expectations"] as? [[String: Any]])?.first)
        #expect(failed["holds"] as? Bool == false)
        #expect(failed["destination"] as? String == "a.example:443")
        #expect(failed["got"] as? [String: String] == ["action": "allow", "rule": "p.yaml#1", "reason": "Mine"])
        #expect(failed["expected"] as? [String: String] == ["action": "block", "rule": "default"])
    }
}
