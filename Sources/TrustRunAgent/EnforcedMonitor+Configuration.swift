// SPDX-License-Identifier: Apache-2.0
internal import TrustRunPolicy

extension EnforcedMonitor {
    package struct Configuration {
        package var monitor: MonitorConfiguration
        /// Control groups, as `ScopePattern` reads them.
        package var scopes: [String] = []
        /// The only group, as long as somebody is in it.
        package var process: WatchedProcess?
        /// Whether the whole machine is a scope.
        package var coversHost = false
        /// Whether the gates go when the agent ends.
        package var failsOpen = false
        /// Whether groups are held too that have what no gate sees.
        package var allowsDegraded = false
        /// How long after a proof the next one is made.
        package var proofMilliseconds: UInt64 = 60_000

        package init(_ monitor: MonitorConfiguration) { self.monitor = monitor }

        /// As a file says it, which `EnforcementConfiguration` reads.
        package init(_ monitor: MonitorConfiguration, file path: String) throws(AgentError) {
            let file: EnforcementConfiguration
            do {
                file = try EnforcementConfiguration(path: path, bytes: PolicyFiles.read(path))
            } catch let error as PolicyError {
                throw AgentError(error)
            } catch let failure as PolicyReadFailure {
                throw AgentError(.noInput, "\(path): \(failure.reason)")
            } catch {
                throw AgentError(.software, "\(error)")
            }
            self.monitor = monitor
            self.monitor.policy = file.policies
            scopes = file.scopes
            coversHost = file.coversHost
            failsOpen = file.failsOpen
            allowsDegraded = file.allowsDegraded
            if let seconds = file.proofSeconds { proofMilliseconds = UInt64(seconds) * 1000 }
        }
    }
}
