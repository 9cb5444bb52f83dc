// SPDX-License-Identifier: Apache-2.0
internal import TrustRunPolicy
internal import TrustRunSinks

extension PolicyTools {
    /// Holds policies to the expectations of each file and says what came of them. `policies` are tested instead of those that the files
    /// name. Files that cannot be tested are returned as errors.
    package static func test(
        _ files: [String], policies: [String], asJSON: Bool
    ) throws(AgentError) -> (holds: Bool, errors: [AgentError]) {
        let runs = files.map { file in PolicyTestRun(file, policies: policies) }
        if asJSON {
            try StandardOutput.write { buffer in PolicyTestRun.writeJSON(runs, to: &buffer) }
        } else {
            try StandardOutput.write(runs.map(\.text).joined())
        }
        return (runs.allSatisfy(\.holds), runs.compactMap(\.error).map { error in AgentError(error) })
    }
}
