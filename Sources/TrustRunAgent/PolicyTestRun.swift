// SPDX-License-Identifier: Apache-2.0
internal import TrustRunPolicy
internal import TrustRunSinks

/// What came of one file of expectations.
struct PolicyTestRun {
    let file: String
    private(set) var policy: Policy?
    private(set) var outcomes: [PolicyTest.Outcome] = []
    private(set) var error: PolicyError?

    /// Tests `policies` if there are any, else what the file names.
    init(_ file: String, policies: [String]) {
        self.file = file
        do throws(PolicyError) {
            let test = try PolicyTest(path: file, bytes: Self.bytes(of: file))
            let references = policies.isEmpty ? test.policies : policies
            guard !references.isEmpty else {
                throw PolicyError(label: file, message: "names no policy; expected `policy:` in the file, or --policy")
            }
            let policy = try Self.policy(references, namedBy: policies.isEmpty ? file : nil)
            outcomes = test.run(on: try PolicyFiles.compile(policy))
            self.policy = policy
        } catch {
            self.error = error
        }
    }

    var holds: Bool { error == nil && outcomes.allSatisfy(\.holds) }

    /// What differs, and a line that counts; errors go to stderr.
    var text: String {
        guard let policy else { return "" }
        let failures = outcomes.filter { outcome in !outcome.holds }
        let differences = failures.flatMap { failure in failure.difference(in: policy, label: file) }
        let count = "\(outcomes.count) expectation\(outcomes.count == 1 ? "" : "s")"
        let summary =
            failures.isEmpty
            ? "\(file): ok: \(count)" : "\(file): \(failures.count) of \(count) not as expected"
        return (differences + [summary]).map { line in line + "\n" }.joined()
    }

    private static func bytes(of file: String) throws(PolicyError) -> [UInt8] {
        do throws(PolicyReadFailure) {
            return try PolicyFiles.read(file)
        } catch {
            throw PolicyError(.unreadable, label: file, message: "cannot be read: \(error.reason)")
        }
    }

    /// A reference that leads nowhere is the fault of the file that has it.
    private static func policy(_ references: [String], namedBy file: String?) throws(PolicyError) -> Policy {
        do throws(PolicyError) {
            return try PolicyFiles.load(references)
        } catch {
            guard let file, error.line == nil else { throw error }
            throw PolicyError(error.kind, label: file, message: "`policy`: \(error.description)")
        }
    }
}
