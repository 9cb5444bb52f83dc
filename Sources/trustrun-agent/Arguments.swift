// SPDX-License-Identifier: Apache-2.0
internal import ArgumentParser
internal import TrustRunEvents

/// A list of event types with commas between.
struct EventTypes: ExpressibleByArgument {
    let types: Set<EventType>

    init?(argument: String) {
        var types: Set<EventType> = []
        for word in argument.split(separator: ",", omittingEmptySubsequences: false) {
            guard let type = EventType(rawValue: String(word)), type != .session, type != .loss, type != .enforcement
            else { return nil }
            types.insert(type)
        }
        self.types = types
    }
}

/// A number of seconds, or a number with `ms`, `s`, `m` or `h`.
struct TimeSpan: ExpressibleByArgument {
    let nanoseconds: UInt64

    private static let units: [(suffix: String, nanoseconds: UInt64)] = [
        ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000), ("", 1_000_000_000),
    ]

    init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    init?(argument: String) {
        guard let unit = Self.units.first(where: { unit in argument.hasSuffix(unit.suffix) }),
            let number = UInt64(argument.dropLast(unit.suffix.count))
        else { return nil }
        let (product, isTooLarge) = number.multipliedReportingOverflow(by: unit.nanoseconds)
        guard !isTooLarge, number > 0 else { return nil }
        nanoseconds = product
    }

    var defaultValueDescription: String { "\(nanoseconds / 1_000_000_000)s" }
}
