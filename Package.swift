// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
]

let nio: [Target.Dependency] = [
  .product(name: "NIOCore", package: "swift-nio"),
  .product(name: "NIOPosix", package: "swift-nio"),
]
let nioTLS: Target.Dependency = .product(name: "NIOTLS", package: "swift-nio")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
/// The C library alone, as GRDB links it.
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")

/// One target per room of the house; a room may only depend on rooms below it (docs/rooms.md).
func room(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

/// The tests of one room.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies,
    exclude: name == "martinet" ? ["Snapshots"] : [], swiftSettings: settings)
}

let package = Package(
  name: "martinet",
  products: [.executable(name: "martinet", targets: ["martinet"])],
  dependencies: [
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(name: "COpenSSL", path: "Sources/COpenSSL"),
    .systemLibrary(name: "CUnbound", path: "Sources/CUnbound"),
    .systemLibrary(name: "CZlib", path: "Sources/CZlib"),
    .target(name: "CCrypt", path: "Sources/CCrypt", linkerSettings: [.linkedLibrary("crypt")]),
    .target(name: "CFiles", path: "Sources/CFiles"),
    .target(name: "CMemory", path: "Sources/CMemory"),
    .target(name: "CSQLite", path: "Sources/CSQLite", linkerSettings: [.linkedLibrary("sqlite3")]),
    room("Basics", []),
    room("MailSyntax", ["Basics"]),
    room("Inspection", ["Basics", sqlite]),
    room("DNSResolver", ["Basics", "MailSyntax", "CUnbound", logging]),
    room(
      "Wire",
      ["Basics", "CFiles", "COpenSSL", "CZlib", .product(name: "NIOSSL", package: "swift-nio-ssl"), nioTLS, logging]
        + nio),
    room(
      "WireTesting",
      [
        "Basics", "Wire", .product(name: "NIOSSL", package: "swift-nio-ssl"), nioTLS, logging,
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ] + nio),
    room(
      "Accounts",
      [
        "Basics", "MailSyntax", "Inspection", "Wire", "CCrypt", "COpenSSL", grdb, logging,
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ] + nio),
    room("RelayAccess", ["Basics", "MailSyntax", "DNSResolver", "Accounts", grdb, logging]),
    room(
      "MailStore",
      ["Basics", "MailSyntax", "Inspection", "CFiles", "CMemory", "COpenSSL", "CSQLite", sqlite, logging] + nio),
    room("MailQueue", ["Basics", "MailSyntax", "Inspection", grdb, sqlite, logging] + nio),
    room("MailLog", ["Basics", grdb, sqlite, logging]),
    room("Diagnosis", ["Basics", "DNSResolver"]),
    room("LocalMail", ["Basics", "MailSyntax", "CFiles"]),
    room(
      "SMTPClient",
      [
        "Basics", "MailSyntax", "DNSResolver", "COpenSSL", .product(name: "NIOSSL", package: "swift-nio-ssl"), logging,
      ] + nio),
    room(
      "Delivery",
      [
        "Basics", "MailSyntax", "Accounts", "RelayAccess", "MailStore", "MailQueue", "MailLog", "SMTPClient",
        "DNSResolver", logging,
      ]
        + nio),
    room(
      "POP3Server", ["Basics", "MailSyntax", "Wire", "Accounts", "RelayAccess", "MailStore", logging] + nio),
    room(
      "IMAPServer", ["Basics", "MailSyntax", "Wire", "Accounts", "RelayAccess", "MailStore", logging] + nio),
    room("Milter", ["Basics", "MailSyntax", logging] + nio),
    room(
      "SMTPServer",
      [
        "Basics", "MailSyntax", "Wire", "Accounts", "RelayAccess", "Delivery", "MailLog", "DNSResolver", "Milter",
        logging,
      ] + nio),
    room("WebPages", ["MailSyntax", "Wire"]),
    room("HelpPages", ["Basics", "MailSyntax", "Wire", "WebPages", "Configuration", logging]),
    room("MailTrap", ["Basics", "MailSyntax", "Wire", "WebPages", "SMTPServer", logging] + nio),
    room("Configuration", ["Basics", .product(name: "Yams", package: "Yams")]),
    room(
      "MartinetServer",
      [
        "Configuration", "HelpPages", "SMTPServer", "Milter", "POP3Server", "IMAPServer", "Delivery", "Accounts",
        "RelayAccess", "MailStore", "MailQueue", "MailLog", "LocalMail", "Diagnosis", "SMTPClient", "Wire",
        "DNSResolver", "Basics", "MailSyntax", "Inspection", "CMemory", logging,
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
      ] + nio),
    .executableTarget(
      name: "martinet",
      dependencies: [
        "MartinetServer", "Configuration", "Accounts", "RelayAccess", "MailStore", "MailQueue", "MailLog", "LocalMail",
        "Diagnosis", "MailTrap", "Delivery", "DNSResolver", "Wire", "Basics", "MailSyntax", "Inspection",
        .product(name: "ArgumentParser", package: "swift-argument-parser"), logging,
      ] + nio,
      swiftSettings: settings),
    .executableTarget(
      name: "wire-bench", dependencies: ["Wire", "WireTesting", "Basics", logging] + nio, path: "Benchmarks/Wire",
      swiftSettings: settings),
    .executableTarget(
      name: "martinet-bench-store", dependencies: ["MailStore", "Basics", logging],
      path: "Benchmarks/MailStoreBenchmark", swiftSettings: settings),
    tests("Basics"), tests("MailSyntax"), tests("Inspection", [sqlite]), tests("DNSResolver", ["WireTesting"]),
    tests("Wire", ["WireTesting"]), tests("Accounts"), tests("RelayAccess"), tests("MailStore"), tests("MailQueue"),
    tests("Milter", ["WireTesting"]), tests("MailLog"), tests("LocalMail"), tests("SMTPClient", ["WireTesting"]),
    tests("Delivery", ["WireTesting"]),
    tests("Diagnosis", ["WireTesting"]), tests("WebPages", ["WireTesting"]), tests("MailTrap", ["WireTesting"]),
    tests("POP3Server", ["WireTesting"]), tests("IMAPServer", ["WireTesting"]), tests("SMTPServer", ["WireTesting"]),
    tests("Configuration"), tests("HelpPages", ["WireTesting"]), tests("MartinetServer", ["WireTesting"]),
    tests("martinet", [.product(name: "ArgumentParser", package: "swift-argument-parser")]),
  ],
  swiftLanguageModes: [.v6]
)
