// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import TrustRunEvents
import TrustRunPolicy

/// What each shipped preset lets through and what not, by the files of Tests/Fixtures/Presets.
@Suite struct PresetExpectationsTests {
    private static let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
        .appending(path: "Fixtures")

    @Test(arguments: PresetCatalog.shipped.names)
    func everyPresetDoesAsExpected(_ name: String) throws {
        let test = try Self.test(of: name)
        #expect(test.policies.contains { reference in reference.hasPrefix("preset:\(name)") })
        let policy = try Self.policy(of: test)
        let failures = test.run(on: try CompiledPolicy(policy)).filter { outcome in !outcome.holds }
        for failure in failures {
            Issue.record(Comment(rawValue: failure.difference(in: policy, label: test.label).joined(separator: "\n")))
        }
    }

    /// Where the preset allows something, some expectations are that it does not allow the neighbour of it.
    @Test(arguments: PresetCatalog.shipped.names)
    func everyPresetIsTestedBothWays(_ name: String) throws {
        let actions = try Self.test(of: name).expectations.map(\.action.letsThrough)
        #expect(actions.contains(true))
        #expect(actions.contains(false) || name == "telemetry")
    }

    private static func test(of preset: String) throws -> PolicyTest {
        let path = fixtures.appending(path: "Presets/\(preset).yaml").path
        return try PolicyTest(path: path, bytes: Array(Data(contentsOf: URL(fileURLWithPath: path))))
    }

    private static func policy(of test: PolicyTest) throws -> Policy {
        try PolicyLoader.load(test.policies) { path throws(PolicyReadFailure) in
            guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: path)) else {
                throw PolicyReadFailure(reason: "No such file or directory")
            }
            return Array(bytes)
        }
    }
}
