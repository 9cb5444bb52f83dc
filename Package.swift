// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

// The expansions of #expect are not written with strict memory safety in mind.
let testSettings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
    name: "trustrun-agent",
    products: [.executable(name: "trustrun-agent", targets: ["trustrun-agent"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // In the order in which an event passes through them.
        .systemLibrary(name: "CLibBPF", pkgConfig: "libbpf", providers: [.apt(["libbpf-dev"])]),
        .target(name: "CTrustRunSensor", dependencies: ["CLibBPF"]),
        .target(name: "CTrustRunEnforcement", dependencies: ["CLibBPF"]),
        .target(name: "CTrustRunSystem"),
        .target(name: "TrustRunEvents", swiftSettings: settings),
        .target(name: "TrustRunWire", dependencies: ["TrustRunEvents"], swiftSettings: settings),
        .target(
            name: "TrustRunQUIC",
            dependencies: [
                "TrustRunEvents", "TrustRunWire", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: settings
        ),
        // Files that the program carries: presets, organisations, public suffixes.
        .target(name: "CTrustRunAssets"),
        .target(
            name: "TrustRunOrganisations",
            dependencies: ["CTrustRunAssets", "TrustRunEvents"],
            swiftSettings: settings
        ),
        .target(
            name: "TrustRunSensor",
            dependencies: ["CTrustRunSensor", "TrustRunEvents"],
            swiftSettings: settings
        ),
        .target(
            name: "TrustRunEnrichment",
            dependencies: ["TrustRunEvents", "TrustRunWire"],
            swiftSettings: settings
        ),
        .target(name: "TrustRunInventory", swiftSettings: settings),
        .systemLibrary(name: "CIDN2", pkgConfig: "libidn2", providers: [.apt(["libidn2-dev"])]),
        .target(name: "CTrustRunYAML", dependencies: [.product(name: "Yams", package: "Yams")]),
        .target(
            name: "TrustRunPolicy",
            dependencies: [
                "CIDN2", "CTrustRunAssets", "CTrustRunYAML", "TrustRunEvents",
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "TrustRunEnforcement",
            dependencies: ["CTrustRunEnforcement", "TrustRunEvents", "TrustRunPolicy"],
            swiftSettings: settings
        ),
        .target(name: "TrustRunReplay", dependencies: ["TrustRunEvents"], swiftSettings: settings),
        .target(name: "TrustRunSinks", dependencies: ["TrustRunEvents"], swiftSettings: settings),
        .target(
            name: "TrustRunAgent",
            dependencies: [
                "CTrustRunAssets", "CTrustRunSystem", "TrustRunEvents", "TrustRunSensor", "TrustRunEnrichment",
                "TrustRunInventory", "TrustRunOrganisations", "TrustRunQUIC", "TrustRunPolicy", "TrustRunEnforcement",
                "TrustRunReplay", "TrustRunSinks",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "trustrun-agent",
            dependencies: [
                "TrustRunAgent", "TrustRunEvents",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        // What several test targets build their input with; nothing but tests depends on it.
        .target(
            name: "TrustRunTestSupport",
            dependencies: ["TrustRunEvents", "TrustRunSensor", "TrustRunEnrichment"],
            path: "Tests/TrustRunTestSupport",
            swiftSettings: testSettings + [.enableUpcomingFeature("InternalImportsByDefault")]
        ),
        .testTarget(
            name: "TrustRunSensorTests",
            dependencies: ["CTrustRunSensor", "TrustRunEvents", "TrustRunSensor", "TrustRunTestSupport"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "TrustRunEnrichmentTests",
            dependencies: ["TrustRunEvents", "TrustRunSensor", "TrustRunEnrichment", "TrustRunTestSupport"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "TrustRunAgentTests",
            dependencies: [
                "TrustRunAgent", "TrustRunEvents", "TrustRunSensor", "TrustRunEnrichment", "TrustRunPolicy",
                "TrustRunReplay", "TrustRunSinks", "TrustRunTestSupport",
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "TrustRunWireTests",
            dependencies: ["TrustRunEvents", "TrustRunWire", "TrustRunTestSupport"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "TrustRunQUICTests",
            dependencies: [
                "TrustRunEvents", "TrustRunQUIC", "TrustRunWire", "TrustRunTestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "TrustRunAgreementTests",
            dependencies: ["CLibBPF", "TrustRunEvents", "TrustRunWire", "TrustRunTestSupport"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "TrustRunOrganisationsTests",
            dependencies: ["TrustRunEvents", "TrustRunOrganisations", "TrustRunTestSupport"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "TrustRunSinksTests", dependencies: ["TrustRunEvents", "TrustRunSinks"], swiftSettings: testSettings
        ),
        .testTarget(
            name: "TrustRunPolicyTests",
            dependencies: ["TrustRunEvents", "TrustRunPolicy", "TrustRunTestSupport"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "TrustRunEnforcementTests",
            dependencies: [
                "CTrustRunEnforcement", "TrustRunEvents", "TrustRunPolicy", "TrustRunEnforcement",
                "TrustRunTestSupport",
            ],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "TrustRunReplayTests",
            dependencies: ["TrustRunEvents", "TrustRunReplay", "TrustRunTestSupport"],
            swiftSettings: testSettings
        ),
        .testTarget(
            name: "TrustRunInventoryTests",
            dependencies: ["TrustRunInventory", "TrustRunTestSupport"],
            swiftSettings: testSettings
        ),
    ],
    cLanguageStandard: .gnu2x
)
