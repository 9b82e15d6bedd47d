import Foundation

/// A program of others, run against our server.
struct Program {
  /// What it printed and how it ended.
  struct Outcome: Sendable {
    var status: Int32
    var output: String
  }

  /// Whether a program is installed.
  static func isInstalled(_ name: String) -> Bool {
    ["/usr/bin/", "/usr/local/bin/", "/bin/"].contains { FileManager.default.isExecutableFile(atPath: $0 + name) }
  }

  /// Runs a shell command, at most a minute, off the cooperative pool.
  static func run(_ command: String, in folder: String) async -> Outcome {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "exec timeout 60 \(command)"]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        var environment = ProcessInfo.processInfo.environment
        environment["HOME"] = folder
        process.environment = environment
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        do {
          try process.run()
        } catch {
          continuation.resume(returning: Outcome(status: 127, output: "\(error)"))
          return
        }
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        continuation.resume(
          returning: Outcome(status: process.terminationStatus, output: String(decoding: output, as: UTF8.self)))
      }
    }
  }
}
