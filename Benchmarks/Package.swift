// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// The agent's own sources, by links, in a package of their own: so the benchmark reaches what is `package` there and adds no product to it.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
    name: "trustrun-benchmarks",
    dependencies: [.package(url: "https://github.com/jpsim/Yams", from: "6.2.2")],
    targets: [
        .systemLibrary(name: "CLibBPF", pkgConfig: "libbpf", providers: [.apt(["libbpf-dev"])]),
        .target(name: "CTrustRunSensor", dependencies: ["CLibBPF"]),
        .target(name: "TrustRunEvents", swiftSettings: settings),
        .target(name: "CTrustRunAssets"),
        .target(name: "TrustRunOrganisations", dependencies: ["CTrustRunAssets", "TrustRunEvents"], swiftSettings: settings),
        .target(name: "TrustRunWire", dependencies: ["TrustRunEvents"], swiftSettings: settings),
        .target(name: "TrustRunSensor", dependencies: ["CTrustRunSensor", "TrustRunEvents"], swiftSettings: settings),
        .target(
            name: "TrustRunEnrichment",
            dependencies: ["TrustRunEvents", "TrustRunSensor", "TrustRunWire"],
            swiftSettings: settings
        ),
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
        .target(name: "CTrustRunEnforcement", dependencies: ["CLibBPF"]),
        .target(
            name: "TrustRunEnforcement",
            dependencies: ["CTrustRunEnforcement", "TrustRunEvents", "TrustRunPolicy"],
            swiftSettings: settings
        ),
        .target(name: "TrustRunSinks", dependencies: ["TrustRunEvents"], swiftSettings: settings),
        .target(name: "CRing", dependencies: ["CLibBPF"]),
        .executableTarget(
            name: "pipeline-bench",
            dependencies: [
                "CRing", "TrustRunEvents", "TrustRunOrganisations", "TrustRunSensor", "TrustRunEnrichment",
                "TrustRunPolicy", "TrustRunSinks",
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "policy-bench",
            dependencies: ["TrustRunEvents", "TrustRunPolicy"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "gate-bench",
            dependencies: ["TrustRunEnforcement", "TrustRunEvents", "TrustRunPolicy"],
            swiftSettings: settings
        ),
    ],
    cLanguageStandard: .gnu2x
)
