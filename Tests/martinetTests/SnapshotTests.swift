import ArgumentParser
import Foundation
import MartinetServer
import Testing

@testable import martinet

/// Texts that users and scripts know: a change shows here, and is made on purpose with UPDATE_SNAPSHOTS=1.
@Suite("Texts that are kept")
struct SnapshotTests {
  static let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  func compare(_ text: String, with file: String) throws {
    let url = Self.top.appendingPathComponent(file)
    if ProcessInfo.processInfo.environment["UPDATE_SNAPSHOTS"] != nil {
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: url, atomically: true, encoding: .utf8)
    }
    let kept = try String(contentsOf: url, encoding: .utf8)
    #expect(kept == text, "\(file) differs; if that is meant: UPDATE_SNAPSHOTS=1 swift test --filter SnapshotTests")
  }

  @Test("Config/martinet.yaml is what init writes")
  func configuration() throws {
    try compare(ConfigurationTemplate().text, with: "Config/martinet.yaml")
  }

  @Test("The help of every command")
  func help() throws {
    for (path, command) in Self.commands(below: MartinetCommand.self, path: ["martinet"]) {
      let text = MartinetCommand.helpMessage(for: command, columns: 100)
      try compare(text + "\n", with: "Tests/martinetTests/Snapshots/\(path.joined(separator: "-")).txt")
    }
  }

  static func commands(
    below command: any ParsableCommand.Type, path: [String]
  ) -> [([String], any ParsableCommand.Type)] {
    var all: [([String], any ParsableCommand.Type)] = [(path, command)]
    for child in command.configuration.subcommands { all += commands(below: child, path: path + [child._commandName]) }
    return all
  }
}
