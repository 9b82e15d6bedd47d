import ArgumentParser
import Configuration
import MartinetServer

/// `martinet status`: is the server up, since when, and what does it listen on (R73).
struct StatusCommand: HostCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Show the server's process, listeners and load.")
  @OptionGroup var common: CommonOptions

  func execute(_ context: CommandContext) async throws -> CommandResult {
    let configuration = try context.configuration()
    let rows: [[String]]
    do {
      rows = try ControlClient(configuration: configuration).request("status")
    } catch {
      throw CommandFailure(
        .notFound,
        "no server runs on \(configuration.data); start it with: martinet serve --config \(configuration.file)",
        data: ["running": false, "listeners": .array(configuration.listeners.flatMap(Self.stopped))])
    }
    let facts = Dictionary(
      rows.filter { $0.count == 2 }.map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
    let listeners = rows.filter { $0.first == "listener" && $0.count >= 5 }
    var table = Table("SERVICE", "ADDRESS", "PORT", "STATE", "SESSIONS")
    for row in listeners { table.add(row[1], row[2], row[3], "listening", row[4]) }
    let listings = rows.filter { $0.first == "listing" && $0.count >= 5 }
    let listed = listings.filter { $0[3] == "listed" || $0[3] == "dynamic" }.map { "\($0[1]) is \($0[3]) on \($0[2])" }
    let data: JSONValue = [
      "running": true, "pid": JSONValue(facts["pid"].flatMap { Int64($0) }), "since": JSONValue(facts["since"]),
      "hostname": JSONValue(facts["hostname"]), "version": .string(MartinetVersion.number),
      "sessions": JSONValue(facts["sessions"].flatMap { Int64($0) }),
      "queued": JSONValue(facts["queued"].flatMap { Int64($0) }),
      "listings": .array(
        listings.map { row in
          ["address": .string(row[1]), "list": .string(row[2]), "state": .string(row[3]), "at": .string(row[4])]
        }),
      "listeners": .array(
        listeners.map { row in
          [
            "service": .string(row[1]), "address": .string(row[2]), "port": JSONValue(Int64(row[3])),
            "state": "listening", "sessions": JSONValue(Int64(row[4])),
          ]
        }),
    ]
    let head = "martinet \(MartinetVersion.number), pid \(facts["pid"] ?? "?"), up since \(facts["since"] ?? "?")"
    let load = "sessions \(facts["sessions"] ?? "?"), queued messages \(facts["queued"] ?? "?")"
    return CommandResult(data, text: ([head, load] + listed + [table.text]).joined(separator: "\n"))
  }

  private static func stopped(_ listener: ListenerSetting) -> [JSONValue] {
    listener.addresses.map { address in
      [
        "service": .string(listener.service.rawValue), "address": .string(address.host),
        "port": JSONValue(address.port),
        "state": "stopped", "sessions": 0,
      ]
    }
  }
}
